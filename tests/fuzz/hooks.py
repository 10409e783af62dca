"""What a JSON schema cannot state: relations between the values of one request.

Requests that are meant to be valid are made so in these relations and sent with everything else as
it was generated. Requests that are meant to be invalid stay as they are.
"""

import uuid

import schemathesis

# At the simulated bank, the key of an operation is its id.
KEYS_IN_BODY = {
    "/v1/payments": "payment_id",
    "/v1/refunds": "refund_id",
    "/v1/voids": "void_id",
    "/v1/payouts": "payout_id",
}
LIST_KEYS = {"orders": ("external_order_id",), "users": ("user_id",)}

# Some of each number of decimals. Every value of an enumeration is sent for each of its places, and
# a hundred and sixty currencies would take most of the time.
CURRENCIES = {"AED", "BHD", "CLF", "JPY", "KWD", "USD", "UYW", "XPF"}


@schemathesis.hook
def before_load_schema(context, raw_schema):
    keep_some_currencies(raw_schema)


def keep_some_currencies(schema):
    if isinstance(schema, list):
        for one in schema:
            keep_some_currencies(one)
    elif isinstance(schema, dict):
        values = schema.get("enum")
        if isinstance(values, list) and CURRENCIES & set(map(str, values)):
            schema["enum"] = [value for value in values if value in CURRENCIES]
        for one in schema.values():
            keep_some_currencies(one)


@schemathesis.hook
def before_call(context, case, kwargs):
    meta = case.meta
    if meta is None or meta.generation.mode.is_negative:
        return
    path = case.operation.path
    case.query = query = case.query or {}
    if isinstance(case.body, dict):
        case.body = written(case.body)
    body = case.body if isinstance(case.body, dict) else {}
    # A cursor has a MAC over its query, so none can be made up.
    query.pop("cursor", None)
    if "statement" in path or "balance" in path:
        relate_moments(query, path)
    if path == "/v1/accounts" and case.method.upper() == "GET":
        relate_owner(query)
    if path == "/v1/holds" and case.method.upper() == "GET":
        relate_holder(query)
    if path == "/v1/transfers":
        relate_postings(body.get("postings"))
    if path == "/v1/batch":
        relate_batch(case, body)
    key = KEYS_IN_BODY.get(path)
    if key in body and case.headers is not None:
        case.headers["idempotency-key"] = body[key]
    if path in ("/admin/refunds", "/admin/returns", "/admin/disputes"):
        # The decimals of an amount depend on the currency of the payment.
        body.pop("amount", None)
        body.pop("charges", None)
    for name, keys in LIST_KEYS.items():
        relate_items(body.get(name), keys)


def written(value):
    """An integer is written with digits only; by its value 5.0 would be one too."""
    if isinstance(value, dict):
        return {name: written(member) for name, member in value.items()}
    if isinstance(value, list):
        return [written(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def relate_moments(query, path):
    """By booking a history is asked for times, and never from a later one to an earlier."""
    moments = [name for name in ("from", "to", "as_of") if isinstance(query.get(name), str)]
    if query.get("by") == "value":
        if path.endswith("trial-balance"):
            query.setdefault("as_of", "2026-01-31")
    else:
        for name in moments:
            if len(query[name]) == len("2026-01-31"):
                query[name] += "T00:00:00Z"
    if "from" in moments and "to" in moments:
        # Offsets of a day at most may still turn two times around, so one is left out.
        del query["to"]


def relate_owner(query):
    """A list of accounts is that of a user or of a wallet."""
    if "user_id" in query:
        query.pop("wallet_id", None)
    else:
        query.setdefault("wallet_id", str(uuid.uuid4()))


def relate_holder(query):
    """A list of holds is that of an account or of a payment."""
    if "account_id" in query:
        query.pop("payment_id", None)
    else:
        query.setdefault("payment_id", str(uuid.uuid4()))


def relate_postings(postings):
    """A transfer changes two accounts at least, by sums that fit in 64 bits."""
    for posting in postings or []:
        if "account_id" in posting:
            posting["account_id"] = str(uuid.uuid4())
    if postings and all("account_id" not in posting for posting in postings):
        first = postings[0]
        del first["system_account"]
        first["account_id"] = str(uuid.uuid4())
    seen = set()
    for posting in postings or []:
        name = (posting.get("system_account"), posting["amount"]["currency"])
        if name[0] is not None and name in seen:
            del posting["system_account"]
            posting["account_id"] = str(uuid.uuid4())
        seen.add(name)


def relate_batch(case, body):
    """An atomic batch has the key of the request, other commands have keys of their own."""
    commands = body.get("commands") or []
    for command in commands:
        relate_postings(command.get("postings"))
    if body.get("atomic"):
        case.headers["x-idempotency-key"] = str(uuid.uuid4())
    for command in commands:
        if body.get("atomic"):
            command.pop("idempotency_key", None)
        else:
            command["idempotency_key"] = str(uuid.uuid4())


def relate_items(items, keys):
    """No two items of a list have the same id."""
    for item in items or []:
        for key in keys:
            if isinstance(item, dict) and key in item:
                item[key] = str(uuid.uuid4())
