"""Fences: text from outside is set off as data between two marks, and cannot speak for a chat model's own signs.

    fence(record.text, "record")
    break_control_tokens(reply.text)

Records, replies of models and names that a model invents are all text from outside.
"""

from __future__ import annotations

import hashlib
import re

_WORD_JOINER = "\u2060"
"""U+2060 WORD JOINER: invisible, so a reader sees the token unchanged, but no tokenizer reads it as a control token."""
_MARK_DIGITS = 32
"""Hexadecimal digits of a mark: 128 bits. A text that holds its own mark cannot be found by trying."""
_MAX_LABEL_CHARACTERS = 80
_BAR = "[|｜¦∣❘ǀ]"
_OPEN, _CLOSE = "[<＜]", "[>＞]"
# By shape and not by name, since each new family of models brings tokens of its own.
_CONTROL_TOKEN = re.compile(
    rf"""(?ix)
      {_OPEN}/?{_BAR}[^<>\n]{{0,80}}{_CLOSE}                 # <|im_start|>  <｜User｜>  <|channel>
    | {_OPEN}/?[^<>\s]{{1,80}}{_BAR}/?{_CLOSE}               # <turn|>
    | {_OPEN}/?\d?[^\W\d_][\w.▁:-]{{0,60}}/?{_CLOSE}         # <s>  </think>  <minimax:tool_call>  <2mass>
    | {_OPEN}{{2}}/?SYS{_CLOSE}{{2}}                         # <<SYS>>
    | {_OPEN}{{2}}[^<>\n]{{0,200}}{_CLOSE}{{2}}              # what looks like a mark of ours
    | \[/?{_BAR}[^\[\]\n]{{0,80}}\]                          # [|assistant|]
    | (?-i:\[/?[A-Z]+(?:_[A-Z]+)+\])                         # [TOOL_CALLS]  [/SYSTEM_PROMPT]
    | \[/?(?:INST|THINK|ARGS|IMG|PREFIX|SUFFIX|MIDDLE|[gs]?MASK|BOS|EOS|EOT|EOD|PAD|UNK|CLS|SEP)\]
    | \[(?:extra_id|control)_\d+\]                        # [control_8]
    | (?-i:\[@[A-Z]+@\])                                  # [@BOS@]
    | \]~!?b\[ | \]~b\]
    """
)
# Words at the beginning of a line, which open a turn for models that learned their conversations as plain text. That
# speakers of plays and interviews are called so does no harm: what is put in is invisible, and no quotation needs it.
_ROLE_HEADER = re.compile(
    r"""(?imx)
    (?: ^ | (?<=[\r\x0b\x0c\x85\u2028\u2029]) ) [ \t>*_\ufeff]*
    (?: \#{1,6}[ \t]* (?P<marked> instruction | input | response | prompt | human | assistant | user | system )
      | (?P<bare> human | assistant | user | system | instruct | gpt4(?:[ ]correct)?[ ](?:user|assistant) | [问答] )
    ) [*_ \t]* [:：]
    """
)
_NOT_IN_LABELS = re.compile(r"[<>＜＞\[\]]|[^\S ]|[\x00-\x1f\x7f-\x9f]")


def break_control_tokens(text: str) -> str:
    """Returns `text` with an invisible character in all that a chat model could take for a control token or a turn."""
    text = _CONTROL_TOKEN.sub(lambda found: found[0][0] + _WORD_JOINER + found[0][1:], text)
    return _ROLE_HEADER.sub(_broken_header, text)


def _broken_header(found: re.Match[str]) -> str:
    at = found.start(found.lastgroup or 0) - found.start() + 1
    return found[0][:at] + _WORD_JOINER + found[0][at:]


def fence(text: object, label: object) -> str:
    """Returns `text` as data between two marks. They hold a digest of it, so the text cannot contain them."""
    data = break_control_tokens(str(text))
    mark = hashlib.sha256(data.encode("utf-8", "surrogatepass")).hexdigest()[:_MARK_DIGITS]
    return f"<<{_label(label)} {mark}>>\n{data}\n<<end {mark}>>"


def _label(label: object) -> str:
    """A label may hold a record's title: it stays on the line of its mark, and closes nothing."""
    return _NOT_IN_LABELS.sub(" ", str(label))[:_MAX_LABEL_CHARACTERS].strip()
