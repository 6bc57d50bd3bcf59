"""The one error tree, split by who can act.

    Problem
    ├── Refused        the caller may not (key, limit, guard, approval)      4xx, do not retry
    ├── Mistaken       the caller asked wrongly (definition, schema)          4xx, says where and what is near
    ├── Unavailable    someone else failed (provider, store, tool)            5xx, may retry, names who
    └── Broken         we failed                                              500, always recorded

Every problem has a stable `code` from `CODES`, one sentence for a person, and a next step. A door turns it into the
error shape of its own vendor; nothing else in the project invents an error shape.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """What a stable error code means, its HTTP status, and what a person can do about it."""

    status: int
    means: str
    fix: str


CODES: dict[str, Code] = {
    # access
    "key_missing": Code(
        401, "No key came with the request.", "Send it as `Authorization: Bearer rk-…` or `x-api-key`."
    ),
    "key_unknown": Code(
        401, "The key is not known here.", "Check for a truncated key, or create one with `rowen keys create`."
    ),
    "key_revoked": Code(401, "The key was revoked.", "Ask whoever owns the project for a new key."),
    "key_expired": Code(401, "The key is past its expiry.", "Rotate it with `rowen keys rotate`."),
    "key_scope": Code(403, "The key may not do this.", "Use a key whose scopes include it, or widen this one."),
    "key_network": Code(
        403, "The key may not be used from this network.", "Call from an allowed network, or widen the key."
    ),
    "sign_in_needed": Code(
        401, "The pages and the management API need a sign-in.", "Sign in with a key that has the scope."
    ),
    "csrf_failed": Code(403, "The form was not sent from this site's own page.", "Reload the page and send it again."),
    "sign_in_throttled": Code(429, "Too many failed sign-ins.", "Wait and try again."),
    "feedback_token": Code(
        401,
        "The feedback token is not from here, or has lapsed.",
        "Ask `/api/feedback-tokens` for another, with a key.",
    ),
    # limits
    "limit_requests": Code(429, "The request limit is used up.", "Wait as long as `retry-after` says."),
    "limit_tokens": Code(
        429, "The token limit is used up.", "Wait as long as `retry-after` says, or send shorter prompts."
    ),
    "limit_budget": Code(429, "The money budget is used up.", "Wait for the next period, or raise the budget."),
    "limit_concurrency": Code(429, "Too many calls are under way at once.", "Retry when some have ended."),
    "price_unknown": Code(
        400, "A budget is in force, and the model's price is not known.", "Set `price` for the model in `app.toml`."
    ),
    "overloaded": Code(
        429, "The server sheds low-priority load.", "Retry after `retry-after`, or use a key of higher priority."
    ),
    "spans_overloaded": Code(
        503, "More spans come than can be taken in.", "Send them again after `retry-after`, or sample them."
    ),
    "prompt_too_long": Code(413, "The prompt is longer than allowed.", "Shorten it, or raise `limits.prompt_tokens`."),
    "answer_too_long": Code(400, "The asked answer length is over what is allowed.", "Ask for fewer `max_tokens`."),
    "body_too_large": Code(
        413, "The request body is larger than allowed.", "Send less, or raise `body_limit` of the server."
    ),
    "body_too_slow": Code(408, "The request body did not arrive in time.", "Send it faster or over a better line."),
    "feedback_throttled": Code(429, "Too much feedback came from one address.", "Wait as long as `retry-after` says."),
    # what was asked
    "json_malformed": Code(400, "The body is not valid JSON.", "Fix the syntax at the place named."),
    "json_too_deep": Code(400, "The JSON is nested too deeply.", "Flatten it."),
    "utf8_invalid": Code(400, "The body is not valid UTF-8.", "Encode the text as UTF-8."),
    "header_repeated": Code(400, "A header that must stand once came twice.", "Send it once."),
    "protobuf_malformed": Code(
        400, "The body is not valid protobuf.", "Send an OTLP export request, and say so in `content-type`."
    ),
    "encoding_broken": Code(400, "The body cannot be unpacked.", "Pack it as `content-encoding` says, whole."),
    "field_invalid": Code(400, "A field has the wrong type or value.", "Fix the field named."),
    "field_unknown": Code(
        400, "A field is not known to this endpoint.", 'Remove it, or set `unknown = "pass"` for the model.'
    ),
    "field_unsupported": Code(
        400, "The model or provider cannot do what a field asks.", "Drop the field, or choose another model."
    ),
    "prompt_unknown": Code(
        404, "The app has no prompt of that name, or not in that version.", "Use a name from `rowen prompts list`."
    ),
    "prompt_variable": Code(
        400,
        "A variable of a prompt is missing, or not as it is declared.",
        "Send it in `prompt.variables`; `rowen prompts show` lists them.",
    ),
    "model_unknown": Code(404, "No model of that name is defined.", "Use a name from `/v1/models`."),
    "app_unknown": Code(
        404, "No app of that name is served.", "Use a name from `rowen check`, in the header `x-rowen-app`."
    ),
    "not_found": Code(404, "There is nothing at this address.", "Check the path and the id."),
    "method_not_allowed": Code(405, "This address does not take that method.", "See the API reference."),
    "conflict": Code(409, "The record is not in a state that allows this.", "Reload and try again."),
    "content_type": Code(415, "The body is of a type this endpoint does not read.", "Send `application/json`."),
    # the definition and the deployment
    "config_missing": Code(400, "A file that is needed does not exist.", "Create it, or correct the path."),
    "config_syntax": Code(400, "The file is not valid TOML.", "Fix the syntax at the place named."),
    "config_unknown_key": Code(400, "The file has a key that nothing reads.", "Use the nearest key, or remove it."),
    "config_invalid": Code(400, "A setting has the wrong type or value.", "Fix it at the place named."),
    "config_secret": Code(
        400, "A secret that the file refers to cannot be read.", "Set the variable or create the file."
    ),
    "file_unusable": Code(
        503, "A file or folder cannot be read or written.", "Check its path, its rights and the free space of the disk."
    ),
    "extra_missing": Code(400, "An optional part is not installed.", "Install the extra that the sentence names."),
    # what is let out
    "release_refused": Code(
        409, "A gate does not let this out.", "Do what its sentence says, or use `--force` with a reason."
    ),
    "release_frozen": Code(
        409, "Nothing may be let out of this app now.", "Wait until the reason has passed, or thaw it with a reason."
    ),
    # documents that cannot be taken in
    "document_too_large": Code(
        400, "A document is larger than is read.", "Split it, or raise the limit of its source."
    ),
    "document_encrypted": Code(400, "A document is protected.", "Save it without a password and put it back."),
    "document_bomb": Code(
        400, "A document unpacks to far more than it should.", "Save it again with the program it is of."
    ),
    "document_broken": Code(400, "A document is damaged.", "Open it with its own program and save it again."),
    "document_empty": Code(400, "A document has no text.", "Leave it out, or run OCR over scanned pages."),
    "document_unknown": Code(400, "A document is of a kind that nothing here reads.", "Save it as PDF, DOCX or text."),
    "document_slow": Code(400, "A document took too long to read.", "Split it, or raise `seconds` of its source."),
    "document_crashed": Code(400, "A document made its parser crash.", "Save it again with the program it is of."),
    "table_query": Code(400, "A query over tables is not allowed, or fails.", "Ask in other words, or for fewer rows."),
    "document_refused": Code(
        400, "The gate refused a document.", "See the reason; widen the gate of its source if it is wrong."
    ),
    "address_refused": Code(
        403, "The address is not of the public internet.", "If it is meant, allow `private` addresses for this source."
    ),
    "source_shrunk": Code(
        409, "A source has lost most of its documents at once.", "If it is meant, run `rowen index sync --removal`."
    ),
    "source_unreadable": Code(
        502, "A source of documents cannot be read.", "Check its address, its rights and the network."
    ),
    # somebody else
    "upstream_connect": Code(
        502, "The provider could not be reached.", "Check its address and the network; Rowen retried."
    ),
    "upstream_timeout": Code(
        504, "The provider did not answer in time.", "Retry, raise the timeout, or add a fallback."
    ),
    "upstream_cut": Code(502, "The provider closed the connection before the end.", "Retry, or add a fallback."),
    "upstream_garbage": Code(
        502, "The provider answered with something that is not its own format.", "Check its base address."
    ),
    "upstream_error": Code(
        502, "The provider answered with an error of its own.", "See the provider's message; retry or add a fallback."
    ),
    "upstream_limited": Code(
        429,
        "The provider's own rate limit is reached.",
        "Wait as long as `retry-after` says, or add a key or a fallback.",
    ),
    "upstream_refused": Code(400, "The provider refused the request as wrong.", "See the provider's message."),
    "upstream_key": Code(
        502, "The provider did not accept the configured key.", "Check the key that the model's `key` refers to."
    ),
    "upstream_filtered": Code(400, "The provider's content filter refused the request.", "Change the prompt."),
    "target_failed": Code(502, "What is evaluated failed.", "See its message; mend it, and run the cases again."),
    "no_route": Code(
        503, "Every deployment of the model is out of order.", "Wait for a probe to succeed, or add a fallback."
    ),
    "store_unavailable": Code(
        503, "The store cannot be written or read now.", "Check disk space and permissions; see `rowen doctor`."
    ),
    "store_newer": Code(
        503,
        "The store is of a newer version.",
        "Install the version that wrote it (`pip install --upgrade rowen`) and start again; nothing was changed.",
    ),
    "store_corrupt": Code(500, "A database file is damaged.", "Restore it from a backup; it was left untouched."),
    "weights_missing": Code(503, "The model's weight file is not here.", "Run `rowen models add NAME`."),
    "weights_changed": Code(
        500, "A weight file does not have the expected sha256.", "Remove it and add it again from a source you trust."
    ),
    "weights_format": Code(
        400, "The file is not a weight file of an allowed format.", "Use GGUF or ONNX; pickles are refused."
    ),
    "index_unreachable": Code(
        503, "The package index cannot be reached.", "Check the network or the index settings, then run it again."
    ),
    "shutting_down": Code(503, "The server is shutting down.", "Retry; another replica answers."),
    # us
    "broken": Code(500, "Rowen made a mistake.", "Report it with the trace id."),
    "cancelled": Code(499, "The caller went away before the end.", "Nothing to do."),
}


class Problem(Exception):
    """Something that went wrong, said so that somebody can act on it.

    Args:
        code: a key of `CODES`.
        message: one sentence for a person; never holds a secret.
        place: where, such as `app.toml:14` or `messages[2].content`.
        who: the provider, store or tool that failed, when it was not us.
        retry_after: seconds after which a retry makes sense.
        details: further facts for the caller, JSON types only.
        fix: what a person can do about it, where there is something better to say than the code's own next step.

    """

    kind = "problem"

    def __init__(
        self,
        code: str,
        message: str = "",
        *,
        place: str = "",
        who: str = "",
        retry_after: float | None = None,
        details: dict[str, object] | None = None,
        fix: str = "",
    ) -> None:
        self.code = code
        self.message = message or CODES[code].means
        self.place = place
        self.who = who
        self.retry_after = retry_after
        self.details = details or {}
        self.fix = fix
        super().__init__(self.message)

    @property
    def status(self) -> int:
        """The HTTP status a door answers with."""
        return CODES[self.code].status

    @property
    def next_step(self) -> str:
        """What a person can do about it."""
        return self.fix or CODES[self.code].fix

    def __str__(self) -> str:
        return f"{self.message} ({self.place})" if self.place else self.message


class Refused(Problem):
    """The caller may not: key, limit, guard, approval. Do not retry unless `retry_after` says so."""

    kind = "refused"


class Mistaken(Problem):
    """The caller asked wrongly. Says where, and what is near."""

    kind = "mistaken"


class Unavailable(Problem):
    """Someone else failed: provider, store, tool. May be retried; `who` names them."""

    kind = "unavailable"


class Broken(Problem):
    """We failed. Always recorded."""

    kind = "broken"
