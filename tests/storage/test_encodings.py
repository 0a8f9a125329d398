"""Files in another encoding than UTF-8: read where only one reading is likely, and said; else readings are shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from contract.errors import StorageError
from flows.cli.main import main
from tests.storage.read_records import guesses, read_records
from tests.support.commands import write_files

TEXTS = {
    "German": ("cp1252", "Müll gehört in die Tonne – „so“ heißt es.", "Die Größe überrascht; Käse für 5 €."),
    "French": ("cp1252", "Le maire a été réélu à l’unanimité.", "Où est passé le garçon ? Ça va être drôle."),
    "Spanish": ("cp1252", "¡Qué vergüenza, señor!", "Mañana pasará el autobús número diez."),
    "English": ("cp1252", "It’s “over” – they don’t care…", "She said ‘no’ to the café."),
    "Polish": ("cp1250", "Dziękuję bardzo, wszystko w porządku.", "Źle się czuję, idę do łóżka."),
    "Czech": ("cp1250", "Kůň běží přes řeku.", "Dobré ráno, jak se máte? Těší mě."),
    "Turkish": ("cp1254", "Günaydın, nasılsınız? İyiyim.", "Şehirde yağmur yağıyor, ağaçlar ıslak."),
    "Russian": ("cp1251", "Доброе утро, как дела?", "Сегодня в городе идёт сильный дождь."),
    "Russian, older": ("koi8-r", "Доброе утро, как дела?", "Сегодня в городе идёт сильный дождь."),
    "Greek": ("cp1253", "Σήμερα βρέχει πολύ στην πόλη.", "Πού είναι το βιβλίο μου;"),
    "Japanese": ("cp932", "今日は雨が降っています。", "本はどこにありますか。"),
    "Chinese": ("gb18030", "今天下雨了，我们不去公园。", "他们说这个问题很重要，应该认真研究。"),
    "Arabic": ("cp1256", "صباح الخير، كيف حالك؟", "المطر ينزل اليوم في المدينة."),
    "of a Mac": ("mac_roman", "Müll gehört in die Tonne.", "Die Größe überrascht; Käse für alle."),
}
NOT_ENOUGH = {"Chinese", "Russian, older", "Greek"}
"""Of which so few words read equally well in another encoding."""


def table(folder: Path, name: str, *, times: int = 1) -> tuple[Path, list[str]]:
    encoding, *texts = TEXTS[name]
    texts = texts * times
    lines = "".join(f'{number},"{text}"\n' for number, text in enumerate(texts))
    path = folder / "posts.csv"
    path.write_bytes(f"id,text\n{lines}".encode(encoding))
    return path, texts


@pytest.mark.parametrize("times", [1, 20])
@pytest.mark.parametrize("name", TEXTS)
def test_a_table_is_never_read_wrongly(name: str, times: int, tmp_path: Path) -> None:
    path, texts = table(tmp_path, name, times=times)
    said = [guess for guess in guesses(path) if guess.setting == "encoding"]
    if said:
        found, rejects = read_records(path)
        assert [one.text for one in found] == texts and not rejects
        assert "for another reading write encoding=…" in said[0].message
    else:
        assert name in NOT_ENOUGH and times == 1
        with pytest.raises(StorageError, match="holds bytes that are not utf-8; if the file is from Excel, try"):
            read_records(path)


def test_a_byte_order_mark_names_the_encoding(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("id,text\n1,café\n".encode("utf-16"))
    assert [one.text for one in read_records(path)[0]] == ["café"]
    assert guesses(path)[0].value == "utf-16"


def test_an_encoding_that_is_set_is_kept(tmp_path: Path) -> None:
    path, _ = table(tmp_path, "German")
    with pytest.raises(StorageError, match="holds bytes that are not utf-8"):
        read_records(path, encoding="utf-8")
    assert not guesses(path, encoding="utf-8")
    assert read_records(path, encoding="cp850")[0][0].text != TEXTS["German"][1]


def test_damaged_utf8_is_not_taken_for_another_encoding(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("id,text\n1,Müll\n2,Käse\n".encode() + b"3,M\xfcll\n")
    found, rejects = read_records(path)
    assert [one.text for one in found] == ["Müll", "Käse"]
    assert "holds bytes that are not utf-8" in rejects[0].reason and not guesses(path)


def test_each_text_of_a_folder_has_its_encoding_and_each_encoding_is_said_once(tmp_path: Path) -> None:
    for number, name in enumerate(("German", "German", "Polish")):
        encoding, text, _ = TEXTS[name]
        (tmp_path / f"{number}.txt").write_bytes(text.encode(encoding))
    (tmp_path / "3.txt").write_text("Müll", encoding="utf-8")
    found, rejects = read_records(tmp_path)
    assert [one.text for one in found] == [TEXTS["German"][1]] * 2 + [TEXTS["Polish"][1], "Müll"] and not rejects
    assert [guess.message.partition(" is no")[0] for guess in guesses(tmp_path)] == ["0.txt", "2.txt"]


def test_lines_of_json_and_labels_beside_texts_are_read_too(tmp_path: Path) -> None:
    encoding, text, _ = TEXTS["German"]
    path = tmp_path / "a.jsonl"
    path.write_bytes((json.dumps({"id": 1, "text": text}, ensure_ascii=False) + "\n").encode(encoding))
    assert [one.text for one in read_records(path)[0]] == [text]
    write_files(tmp_path, {"texts/a.txt": "A text.", "labels.csv": "file,kind\na,Käse für Größere\n".encode(encoding)})
    [record], _ = read_records(tmp_path / "texts", labels_from={"path": tmp_path / "labels.csv", "by": "file"})
    assert record.metadata["kind"] == "Käse für Größere"


def test_check_and_a_run_say_it_first_and_so_does_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    table(tmp_path, "German")
    monkeypatch.chdir(tmp_path)
    note = "posts.csv is no UTF-8; it is read as cp1252, which reads ‘id"
    for verb in ("check", "plan"):
        assert main([verb, "+flows=[tox]", "records=posts.csv", "columns.text=text"]) == 0
        assert note.removesuffix("‘id") in capsys.readouterr().err
    assert main(["check", "+flows=[tox]", "records=posts.csv", "encoding=utf-8"]) == 2
    assert "holds bytes that are not utf-8" in capsys.readouterr().err


OTHER_LETTERS = {
    "Polish, by Linux": ("iso8859_2", "Żółta łódź płynie wśród gęstych trzcin.", True),
    "Czech, by Linux": ("iso8859_2", "Šťastný člověk šel přes řeku, a děkuji vám.", True),
    "Ukrainian, by Linux": ("koi8_u", "Її сім'я живе у Києві, ідіть звідси.", True),
    "Arabic, by Linux": ("iso8859_6", "اخرجوا من هنا، لا أحد يريدكم. تأخرت العبارة مرة أخرى.", True),
    "Russian, by Linux": ("iso8859_5", "Уходите отсюда, вас никто не звал. Паром опять опоздал.", True),
    "Russian, of a Mac": ("mac_cyrillic", "Уходите отсюда, вас никто не звал. Паром опять опоздал.", False),
    "Russian, of DOS": ("cp866", "Уходите отсюда, вас никто не звал. Паром опять опоздал.", False),
    "Polish, of DOS": ("cp852", "Żółta łódź. Ludzie są źli na rząd. Książka leży.", False),
    "Hungarian, of DOS": ("cp852", "Győztes őszi erdő. Nem értem, miért történt így.", False),
    "Greek, of DOS": ("cp737", "Φύγετε από εδώ, κανείς δεν σας θέλει.", False),
    "Turkish": ("iso8859_9", "nasılsınız? Vapur İyi Öğretmen şimdi ışığı kapattı.", False),
    "Spanish, of a Mac": ("mac_roman", "El señor llegó aquí. Mañana llegó otra vez.", False),
    "Korean": ("euc_kr", "참 오늘 않았다. 오늘 또 정부는", False),
    "Hebrew": ("cp1255", "לא מזג מכאן, לא ענתה. מזג יפה מכאן", False),
}


@pytest.mark.parametrize("times", [1, 2, 20])
@pytest.mark.parametrize("name", OTHER_LETTERS)
def test_letters_of_older_encodings_are_not_taken_for_those_of_others(name: str, times: int, tmp_path: Path) -> None:
    encoding, text, is_told_apart = OTHER_LETTERS[name]
    path = tmp_path / "posts.csv"
    path.write_bytes(("id,text\n" + "".join(f'{number},"{text}"\n' for number in range(times))).encode(encoding))
    if [guess for guess in guesses(path) if guess.setting == "encoding"]:
        assert [one.text for one in read_records(path)[0]] == [text] * times
    else:
        assert not is_told_apart
        with pytest.raises(StorageError, match="holds bytes that are not utf-8"):
            read_records(path)


def test_a_file_of_parts_in_two_encodings_is_not_read_in_one(tmp_path: Path) -> None:
    path = tmp_path / "posts.csv"
    parts = [("cp1252", "Die Größe überrascht; Käse schön für Österreich."), ("cp1251", "Сегодня в городе идёт дождь.")]
    lines = [f"{encoding}{number},{text}\n".encode(encoding) for encoding, text in parts for number in range(600)]
    path.write_bytes(b"id,text\n" + b"".join(lines))
    assert not [guess for guess in guesses(path) if guess.setting == "encoding"]
    with pytest.raises(StorageError, match="holds bytes that are not utf-8"):
        read_records(path)
