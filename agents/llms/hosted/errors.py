"""Translates providers' failures into the errors of `contract.errors`, with messages of our own.

A provider's text can contain keys and addresses. It is quoted only where it helps, and is then redacted.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import get_args

from pydantic_ai import exceptions

from agents.llms.hosted.keys import VERTEX_CREDENTIALS, key_variables
from contract.errors import (
    ModelError,
    ModelRejected,
    ModelTimeout,
    ModelUnavailable,
    ModelUnusable,
    RateLimited,
    ReplyBroken,
    ReplyUnreadable,
    ServerNotRunning,
)
from contract.models import HostedModel
from contract.secrets import is_loopback_host
from contract.service_options import SettingName

_MAX_QUOTED_CHARACTERS = 300
_SECRETS = re.compile(
    r"""(?ix) \b(?:sk|pk|rk|key|gsk|xai|AIza|ya29|ghp|hf)[-_.]?[\w.*-]{6,}   # keys as providers write them
        | \bbearer\s+\S+ | \b(?:api[-_ ]?)?(?:key|token|secret)\s*[=:]\s*\S+
        | https?://\S+ | \b[A-Za-z0-9+/_*-]{32,}={0,2}"""
)

_SETTINGS = get_args(SettingName)
_NO_ROOM_TO_THINK = re.compile(r"(?i)max_tokens.*greater than.*budget")
_NOT_TAKEN = re.compile(
    r"(?i)support|unknown|unexpected|unrecogni[sz]ed|not (?:allowed|permitted)|does not (?:take|accept)"
)


def redact(text: str, secret: str | None = None) -> str:
    """`text` without keys, tokens and addresses, on one line and at most 300 characters long."""
    if secret:
        text = text.replace(secret, "…")
    text = " ".join(_SECRETS.sub("…", text).split())
    return text if len(text) <= _MAX_QUOTED_CHARACTERS else text[:_MAX_QUOTED_CHARACTERS] + "…"


def translate(error: Exception, name: str, config: HostedModel, secret: str | None) -> ModelError:
    """The ModelError that `error` means, with a plain message that contains no secret."""
    model = f"model '{name}' ({config.provider} {config.model_id})"
    if 300 <= _http_status(error) < 400:
        return _redirected(model)
    for error_types, to_error in _TRANSLATORS:
        if isinstance(error, error_types):
            return to_error(error, model, config, secret)
    return _other(error, model, config, secret)


_Translator = Callable[[Exception, str, HostedModel, str | None], ModelError]


def _http_status(error: Exception) -> int:
    """The status that came over the wire; 0 if there was none. pydantic-ai gives a redirect another one, or none."""
    found = getattr(error.__cause__, "status_code", None) or getattr(error.__cause__, "code", None)
    return found if isinstance(found, int) else 0


def _redirected(model: str) -> ModelError:
    return ModelRejected(
        f"{model}: its address redirects to another one; a redirect is never followed, since the key would go with it; "
        "set `base_url` to the last address"
    )


def _rate_limited(error: Exception, model: str, _config: HostedModel, _secret: str | None) -> ModelError:
    wait = error.retry_after if isinstance(error, exceptions.ModelAPIError) else None
    wait_hint = f"; it asks to wait {wait:g} s" if wait else ""
    return RateLimited(f"{model} has had too many requests or tokens{wait_hint}", retry_after=wait)


def _unavailable(error: Exception, model: str, _config: HostedModel, _secret: str | None) -> ModelError:
    status = f" (HTTP {error.status_code})" if isinstance(error, exceptions.ModelHTTPError) else ""
    wait = error.retry_after if isinstance(error, exceptions.ModelAPIError) else None
    return ModelUnavailable(f"{model}: the service failed or is overloaded{status}", retry_after=wait)


def _timeout(_error: Exception, model: str, config: HostedModel, _secret: str | None) -> ModelError:
    return ModelTimeout(f"{model} gave no reply within {config.limits.timeout_seconds:g} s")


def _connection(error: Exception, model: str, config: HostedModel, _secret: str | None) -> ModelError:
    phase = error.phase if isinstance(error, exceptions.ModelConnectionError) else None
    if phase == "read":
        return ReplyBroken(f"{model}: the reply was cut off on the wire")
    here = config.base_url is not None and is_loopback_host((config.base_url.host or "").strip("[]"))
    kind = ServerNotRunning if here and phase == "connect" else ModelUnavailable
    return kind(f"{model} cannot be reached; check the network, and `base_url` if it is set")


def _quota(_error: Exception, model: str, _config: HostedModel, _secret: str | None) -> ModelError:
    return ModelUnusable(
        f"{model}: the account's quota or credit is used up, so this run asks it no more; see the billing page of the "
        "provider. The same command goes on from here"
    )


def _key_refused(_error: Exception, model: str, config: HostedModel, _secret: str | None) -> ModelError:
    return ModelRejected(f"{model} does not accept the key, or the key may not use this model; {_key_todo(config)}")


def _unauthorized(error: Exception, model: str, config: HostedModel, secret: str | None) -> ModelError:
    """A key that is wrong for one request is wrong for all. A 403 may be about the text of one request."""
    if isinstance(error, exceptions.ModelHTTPError) and error.status_code == 403:
        return _key_refused(error, model, config, secret)
    return ModelUnusable(
        f"{model} does not accept the key, so this run asks it no more; {_key_todo(config)}. "
        "The same command goes on from here"
    )


def _key_todo(config: HostedModel) -> str:
    if config.api_key_secret:
        return f"check the secret {config.api_key_secret}"
    written = "" if config.api_key is None or config.api_key_env else "`api_key`"
    names = " or ".join(key_variables(config))
    if places := list(filter(None, (written, names and f"the environment variable {names}"))):
        return f"check {', or '.join(places)}"
    if config.provider == "google-vertex":
        return f"run `gcloud auth application-default login`, or set {VERTEX_CREDENTIALS}"
    return "set `api_key_env` to the name of the environment variable that holds the key"


def _unknown_model(error: Exception, model: str, config: HostedModel, secret: str | None) -> ModelError:
    """A model that is not there is there for no request. A gateway's 404 may be about the pictures of one."""
    place = ", or `base_url` is wrong" if config.base_url else ""
    detail = redact(_message_in(getattr(error, "body", None)), secret)
    if detail and config.model_id not in detail:
        return ModelRejected(f"{model}: the service finds nothing to answer this request (HTTP 404): {detail}")
    return ModelUnusable(
        f"{model}: the service knows no model '{config.model_id}'{place}, so this run asks it no more; check "
        "`model_id`. The same command goes on from here"
    )


def _too_long(_error: Exception, model: str, _config: HostedModel, _secret: str | None) -> ModelError:
    return ModelRejected(
        f"{model}: the request is longer than the model can read; send less text, or use another model"
    )


def _http(error: Exception, model: str, config: HostedModel, secret: str | None) -> ModelError:
    if not isinstance(error, exceptions.ModelHTTPError):
        return _other(error, model, config, secret)
    if error.status_code == 408:
        return _timeout(error, model, config, secret)
    if error.status_code in (409, 425):
        return _unavailable(error, model, config, secret)
    if error.status_code == 413:
        return _too_long(error, model, config, secret)
    detail = redact(_message_in(error.body), secret)
    quoted = f": {detail}" if detail else ""
    return ModelRejected(f"{model} refused the request (HTTP {error.status_code}){quoted}{_setting_hint(detail)}")


def _setting_hint(detail: str) -> str:
    """What to write where a service refuses a setting that it does not take, or a limit that thinking would use up."""
    if _NO_ROOM_TO_THINK.search(detail):
        return "; thinking counts towards `max_tokens`: write a greater one, as in `settings: {max_tokens: 20000}`"
    if not _NOT_TAKEN.search(detail):
        return ""
    if re.search(r"\bmax_tokens\b", detail):
        return "; write `token_limit_name: max_completion_tokens` in the model's configuration"
    named = [name for name in _SETTINGS if re.search(rf"\b{name}\b", detail)]
    return f"; write `unsupported: [{', '.join(named)}]` in the model's configuration" if named else ""


def _message_in(body: object) -> str:
    match body:
        case {"error": {"message": str(message)}} | {"error": str(message)} | {"message": str(message)}:
            return message
        case [dict() as first, *_]:  # type: ignore[reportUnknownVariableType]
            return _message_in(first)  # type: ignore[reportUnknownArgumentType]
        case _:
            return ""


def _usage_error(error: Exception, model: str, _config: HostedModel, secret: str | None) -> ModelError:
    return ModelRejected(f"{model} cannot do what was asked: {redact(str(error), secret)}")


def _broken_reply(_error: Exception, model: str, _config: HostedModel, _secret: str | None) -> ModelError:
    return ReplyUnreadable(f"{model}: the reply was not the JSON that the protocol promises")


def _other(error: Exception, model: str, config: HostedModel, secret: str | None) -> ModelError:
    if type(error).__module__.startswith("google.auth"):
        if type(error).__name__ == "TransportError":
            return _connection(error, model, config, secret)
        return _unauthorized(error, model, config, secret)
    if isinstance(error, LookupError | AttributeError | TypeError | ValueError):
        return ReplyUnreadable(f"{model}: the reply holds no answer, or has another form than the protocol promises")
    return ReplyUnreadable(f"{model}: the reply could not be read ({type(error).__name__})")


# From the particular to the general: the first type that matches is used.
_TRANSLATORS: tuple[tuple[type[Exception], _Translator], ...] = (
    (exceptions.ModelRateLimitError, _rate_limited),
    (exceptions.ModelQuotaExceededError, _quota),
    (exceptions.ModelRequestTimeout, _timeout),
    (exceptions.ModelTimeoutError, _timeout),
    (exceptions.ModelConnectionError, _connection),
    (exceptions.ModelUnavailableError, _unavailable),
    (exceptions.ModelServerError, _unavailable),
    (exceptions.ModelAuthenticationError, _unauthorized),
    (exceptions.ModelNotFoundError, _unknown_model),
    (exceptions.ModelContextWindowExceededError, _too_long),
    (exceptions.ModelHTTPError, _http),
    (exceptions.ModelAPIError, _broken_reply),
    (exceptions.UserError, _usage_error),
    (exceptions.UnexpectedModelBehavior, _broken_reply),
)
