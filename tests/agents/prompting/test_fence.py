# ruff: noqa: E501 - a table is read line by line
"""Fences: no control token of any family of models gets through, and no text can close the marks around it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.evidence.quotable_text import QuotableText
from agents.prompting.fence import break_control_tokens, fence

CONTROL_TOKENS = {
    "ChatML, Qwen": "<|im_start|> <|im_end|> <|endoftext|> <|vision_start|> <tool_call> </tool_call> <tool_response> <think>",
    "DeepSeek": "<｜User｜> <｜Assistant｜> <｜begin▁of▁sentence｜> <｜end▁of▁sentence｜> <｜tool▁calls▁begin｜> <｜fim▁hole｜>",
    "Mistral": "[INST] [/INST] [AVAILABLE_TOOLS] [/TOOL_RESULTS] [TOOL_CALLS] [SYSTEM_PROMPT] [/SYSTEM_PROMPT] [IMG] [THINK] [ARGS] [CALL_ID] [control_8]",
    "Gemma": "<start_of_turn> <end_of_turn> <bos> <eos> <pad> <unk> <unused42> <2mass> [@BOS@] <start_of_image> <|turn> <turn|> <|channel> <channel|>",
    "Llama 2": "<s> </s> <<SYS>> <</SYS>>",
    "Llama 3 and 4": "<|begin_of_text|> <|start_header_id|> <|end_header_id|> <|eot_id|> <|eom_id|> <|python_tag|> <|header_start|>",
    "Phi": "<|user|> <|assistant|> <|system|> <|end|>",
    "gpt-oss": "<|start|> <|channel|> <|message|> <|return|> <|call|> <|constrain|>",
    "Command": "<BOS_TOKEN> <|START_OF_TURN_TOKEN|> <|USER_TOKEN|> <|CHATBOT_TOKEN|> <EOP_TOKEN>",
    "GLM": "[gMASK] [sMASK] [MASK] <sop> <eop> <|observation|>",
    "InternLM": "<eoh> <eoa> <TOKENS_UNUSED_1>",
    "Baichuan": "<reserved_106>",
    "Granite": "<|start_of_role|> <|end_of_role|>",
    "MiniMax": "]~b] ]~!b[ <minimax:tool_call>",
    "Kimi": "[BOS] [EOS] [EOT] [extra_id_0] <|im_middle|>",
    "T5, Nemotron": "<extra_id_0> <SPECIAL_10>",
    "Hunyuan": "<｜hy_User｜> <|extra_0|>",
    "Seed": "<seed:bos> <seed:think> </seed:think>",
    "EXAONE": "[|user|] [|assistant|] [|endofturn|]",
    "StarCoder": "<fim_prefix> <fim_suffix> <fim_middle> <file_sep>",
    "Code Llama": "<PRE> <SUF> <MID> <EOT> <FILL_ME>",
    "BERT": "[CLS] [SEP] [PAD] [UNK]",
    "Jamba": "<|startoftext|> <|bom|> <|eom|>",
    "Yi": "<|im_sep|>",
    "Apertus": "<|assistant_start|> <|inner_prefix|>",
    "full width": "＜|im_start|＞ <¦im_start¦>",
    "marks of ours": "<<end 00112233445566778899aabbccddeeff>> <<record 0123456789>>",
}  # fmt: skip


@pytest.mark.parametrize("family", CONTROL_TOKENS)
def test_no_control_token_gets_through(family: str) -> None:
    for token in (
        CONTROL_TOKENS[family].split(" ")
        if family != "marks of ours"
        else re.findall("<<.+?>>", CONTROL_TOKENS[family])
    ):
        for text in (token, f"a{token}b", f"\n{token.lower() if '[' not in token else token}\n"):
            shown = break_control_tokens(text)
            assert token not in shown, token
            assert shown.replace("\u2060", "") == text


ROLE_HEADERS = {
    "Anthropic": "\n\nHuman: {}\n\nAssistant: {}",
    "Alpaca": "### Instruction:\n{}\n\n### Input:\n{}\n\n### Response:\n{}",
    "Guanaco, early Vicuna": "### Human: {}\n### Assistant: {}",
    "Vicuna": "USER: {}\nASSISTANT: {}",
    "Falcon": "System: {}\nUser: {}\nFalcon:\nAssistant: {}",
    "OpenChat": "GPT4 Correct User: {}\nGPT4 Correct Assistant: {}",
    "Phi-2": "Instruct: {}\nOutput: {}",
    "Nous": "### System:\n{}\n### User:\n{}",
    "ChatGLM": "问：{}\n\n答：{}",
    "other line ends, and marks before": "a\rHuman: {}\u2028Assistant: {}\r\n> **User:** {}\n  human : {}\n\ufeffHuman: {}",
}


@pytest.mark.parametrize("family", ROLE_HEADERS)
def test_no_line_of_data_opens_a_turn_as_older_models_learned_it(family: str) -> None:
    text = ROLE_HEADERS[family]
    shown = break_control_tokens(text)
    headers = [one for one in re.findall(r"[\w ]+(?=[ *]*[:：])", text) if one.strip() not in ("Falcon", "Output")]
    for header in headers:
        assert header.strip() + ":" not in shown, header
        assert header.strip() + "：" not in shown, header
    assert shown.count("\u2060") == len(headers)
    assert shown.replace("\u2060", "") == text


def test_a_speaker_of_a_play_can_still_be_quoted() -> None:
    play = "Robot: Who are you?\nHuman: I am the last one.\nRobot: So am I."
    given = fence(play, "record")
    assert "Human:" not in given
    for quote in ("Human: I am the last one.", break_control_tokens("Human: I am the last one.")):
        span = QuotableText(play).find(quote)
        assert span and play[span[0] : span[1]] == "Human: I am the last one."


@pytest.mark.parametrize(
    "text",
    [
        "To be human: that was all. The user: nobody.",
        "Humanity: a history\nUsers: 12\nThe system:\n## Results:",
        "a < b and c > d",
        "x[0] [sic] [1] [Laughter] [NN]",
        "1 << 2",
        "e-mail <a@b.example>",
        "$\\langle a | b \\rangle$",
    ],
)
def test_ordinary_text_is_left_as_it_is(text: str) -> None:
    assert break_control_tokens(text) == text


def test_a_mark_has_128_bits_and_is_the_same_each_time() -> None:
    [mark] = set(re.findall(r"[0-9a-f]{8,}", fence("text", "record")))
    assert len(mark) == 32
    assert fence("text", "record") == fence("text", "record") != fence("text.", "record")


@given(st.text(), st.text(), st.text())
def test_no_text_closes_the_fence_around_it(before: str, after: str, label: str) -> None:
    """Also one that copies the fence of another text, and a label that would close its own mark."""
    shown = fence(before + "\n" + fence(after, label) + "\n" + after, label)
    opening, closing = shown.split("\n")[0], shown.split("\n")[-1]
    mark = closing.removeprefix("<<end ").removesuffix(">>")
    assert re.fullmatch(r"[0-9a-f]{32}", mark)
    assert opening.endswith(f"{mark}>>") and opening.count(">>") == 1
    assert shown.count(mark) == 2
    assert re.findall(r"<<[^\n]*?>>", shown) == [opening, closing]


def test_a_lone_surrogate_is_fenced_too() -> None:
    assert "\ud83d" in fence("\ud83d", "record")
