"""A JSON body -> instances, and the parameters that stand beside them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from urllib.parse import urlencode

from service.http.json_bodies import read_object
from service.http.json_tokens import with_null_for_nan
from service.http.query import read_options
from vitrine.errors import (
    MAX_FAULTS,
    Fault,
    InvalidInstances,
    InvalidParameter,
    MalformedBody,
    TooManyInstances,
    shown,
)
from vitrine.options import Options
from vitrine.signature import Signature
from vitrine.tables.spelling import known_names

_FIELDS = ("dataframe_records", "dataframe_split", "inputs", "instances")
# MLflow's name of the parameters, and Vertex AI's.
_PARAMETERS = ("params", "parameters")
_RULE = (
    "The input must be a JSON dictionary with exactly one of the input fields "
    f"{{{', '.join(map(repr, _FIELDS))}}}"
)
_ONE_LENGTH = "The length of values for each input/column name are not the same"
_SPLIT_MEMBERS = frozenset(("columns", "index", "data"))
_MAX_PARAMETERS = 50
# Names among which a message finds those that are no inputs.
_MAX_NAMES = 20_000
_TYPES: Mapping[type, str] = {dict: "dictionary", list: "list", str: "text", type(None): "null"}


@dataclass(frozen=True, slots=True)
class Request:
    """What a JSON body asks for.

    Attributes:
        field: Name of the member with the instances.
        data: That member.
        parameters: What is asked for beside predictions.
    """

    field: str
    data: object
    parameters: Mapping[str, object]


def read_request(body: bytes) -> Request:
    """Read what a JSON body asks for.

    Members that are not known are passed over, as MLflow does.

    Raises:
        EmptyBody: There is nothing in the body.
        MalformedBody: It is not JSON.
        InvalidInstances: It has not exactly one member with instances.
        InvalidParameter: Its parameters are no object.
    """
    try:
        members = _read_members(body)
    except MalformedBody as error:
        detail = f"Ensure that input is a valid JSON formatted string. Error: {error.detail!r}"
        raise MalformedBody(f"Invalid input. {detail}") from None
    if members is None:
        is_list = body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[")
        raise _invalid(f"{_RULE}. Received {'a list' if is_list else 'no dictionary'}.")
    if "signature_name" in members:
        raise _invalid('"signature_name" parameter is currently not supported')
    fields = [name for name in _FIELDS if name in members]
    if len(fields) != 1:
        names = ", ".join(map(shown, islice(members, MAX_FAULTS)))
        received = f"Received dictionary with input fields: [{names}]."
        raise InvalidInstances([Fault(detail=f"{_RULE}. {received}", pointer="#")])
    return Request(fields[0], members[fields[0]], _parameters(members))


def _read_members(body: bytes) -> Mapping[str, object] | None:
    """Read an object; in it, NaN is a blank: MLflow's own client writes data frames so."""
    try:
        return read_object(body)
    except MalformedBody:
        if b"NaN" not in body:
            raise
    return read_object(with_null_for_nan(body))


def _parameters(members: Mapping[str, object]) -> Mapping[str, object]:
    given = [name for name in _PARAMETERS if members.get(name) is not None]
    if not given:
        return {}
    parameters = members[given[0]]
    if len(given) > 1:
        raise InvalidParameter(given[1], _shown_type(members[given[1]]), "means the same as params")
    if not isinstance(parameters, dict):
        raise InvalidParameter(given[0], _shown_type(parameters), "must be a dictionary")
    return parameters


def read_parameters(
    parameters: Mapping[str, object], query: str, *, csv_body: bool, csv_answer: bool
) -> Options:
    """Read what is asked for beside predictions, in the body or in the query.

    The names and values are those of our own query parameters. Where nothing else is asked for, all
    probabilities are given.

    Args:
        parameters: Parameters of a JSON body.
        query: The query, without its question mark.
        csv_body: Whether the body is CSV.
        csv_answer: Whether the answer is.

    Raises:
        InvalidParameter: A name is unknown or comes twice, or has a value out of its range or no
            effect on this request.
    """
    # More names than there are parameters have an unknown one among the first.
    given = islice(parameters.items(), _MAX_PARAMETERS)
    pairs = {name: _text(name, value) for name, value in given if value is not None}
    texts = [text for text in (query, urlencode(pairs)) if text]
    # Of names that come twice, the options say so.
    if not any(text.startswith("top=") for text in "&".join(texts).split("&")):
        texts.append("top=all")
    return read_options(
        "&".join(texts), csv_body=csv_body, table_body=csv_body, table_answer=csv_answer
    )


def _text(name: str, value: object) -> str:
    """Write the value of a parameter as it stands in a query."""
    match value:
        case bool():
            return str(value).lower()
        case float() if value.is_integer():  # some clients write 3 as 3.0
            return str(int(value))
        case str() | int() | float():
            return str(value)
    raise InvalidParameter(name, _shown_type(value), "must be a number, a text, true or false")


def read_instances(request: Request, signature: Signature, *, limit: int) -> list[object]:
    """Return the instances of a request, as our own JSON has them.

    A row of a table may be an object, or a list of a value for each column of the model, in order.
    Where there is one column, it may be that value alone.

    Args:
        request: What the body asks for.
        signature: Signature of the model.
        limit: Number of instances that there may be.

    Raises:
        InvalidInstances: The member has not the form that its name stands for, or lacks an input.
        TooManyInstances: There are more instances.
    """
    instances = _READERS[request.field](request.data, _names(signature), limit)
    _check_count(len(instances), limit)
    if request.field != "dataframe_split" and signature.picture is None:
        names = _names(signature)
        instances = _with_names(_in_lists(instances) if len(names) == 1 else instances, names)
    _check_inputs(instances, signature)
    return instances


def _names(signature: Signature) -> list[str]:
    return [spec.name for spec in signature.inputs]


def _records(data: object, _: Sequence[str], __: int) -> list[object]:
    """Read `dataframe_records`: a list of objects."""
    if not isinstance(data, list):
        rule = "Dataframe records format must be a list of records."
        raise _invalid(f"{rule} Got {_shown_type(data)}.")
    return data


def _split(data: object, names: Sequence[str], limit: int) -> list[object]:
    """Read `dataframe_split`: the names of the columns, and a list of rows."""
    if not isinstance(data, dict):
        rule = "Dataframe split format must be a dictionary."
        raise _invalid(f"{rule} Got {_shown_type(data)}.")
    rows, columns = data.get("data"), data.get("columns")
    if not isinstance(rows, list) or not data.keys() <= _SPLIT_MEMBERS:
        got = ", ".join(map(shown, islice(data, MAX_FAULTS)))
        raise _invalid(
            "Dataframe split format must have 'data' field and optionally 'columns' and 'index' "
            f"fields. Got {{{got}}}."
        )
    if columns is None:
        columns = names
    elif not isinstance(columns, list) or not all(isinstance(each, str | int) for each in columns):
        raise _invalid("The 'columns' of dataframe_split must be a list of texts.")
    columns = list(map(str, columns))  # a data frame without names numbers its columns
    if not isinstance(data.get("index"), list | None):
        raise _invalid("The 'index' of dataframe_split must be a list.")
    if len(set(columns)) < len(columns):
        raise _invalid("The 'columns' of dataframe_split must be different from each other.")
    _check_count(len(rows), limit)
    if not all(isinstance(row, list) for row in rows):
        raise _invalid("The 'data' of dataframe_split must be a list of lists.")
    return _with_names(rows, columns)


def _inputs(data: object, _: Sequence[str], limit: int) -> list[object]:
    """Read `inputs`: columns by name, or a list of rows or pictures."""
    if isinstance(data, list):
        return data
    if isinstance(data, str):  # a picture
        return [data]
    if not isinstance(data, dict):
        raise _invalid(f"'inputs' must be a dictionary or a list. Got {_shown_type(data)}.")
    # Without a single list, it is one row, or one picture as an object.
    columns = {name: values for name, values in data.items() if isinstance(values, list)}
    if not columns:
        return [data]
    if len(columns) < len(data) or len(set(map(len, columns.values()))) > 1:
        raise _invalid(_ONE_LENGTH)
    _check_count(len(next(iter(columns.values()))), limit)
    return _with_names(list(zip(*columns.values(), strict=True)), list(columns))


def _instances(data: object, _: Sequence[str], __: int) -> list[object]:
    """Read `instances`: a list of rows or pictures."""
    if not isinstance(data, list):
        raise _invalid(f"'instances' must be a list. Got {_shown_type(data)}.")
    return data


_READERS: Mapping[str, Callable[[object, Sequence[str], int], list[object]]] = {
    "dataframe_records": _records,
    "dataframe_split": _split,
    "inputs": _inputs,
    "instances": _instances,
}


def _check_count(count: int, limit: int) -> None:
    if count > limit:
        raise TooManyInstances("instances", limit)


def _in_lists(rows: Sequence[object]) -> list[object]:
    """Make a row of every value that stands alone."""
    return [row if isinstance(row, dict | list | tuple) else [row] for row in rows]


def _with_names(rows: Sequence[object], names: Sequence[str]) -> list[object]:
    """Make an object of every row that is a list of as many values as there are names.

    Raises:
        InvalidInstances: A list has another length.
    """
    wrong = [
        index
        for index, row in enumerate(rows)
        if isinstance(row, list | tuple) and len(row) != len(names)
    ]
    if wrong:
        raise InvalidInstances(
            [_wrong_length(index, rows[index], names) for index in wrong[:MAX_FAULTS]],
            count=len(wrong),
        )
    return [
        dict(zip(names, row, strict=True)) if isinstance(row, list | tuple) else row for row in rows
    ]


def _wrong_length(index: int, row: object, names: Sequence[str]) -> Fault:
    received = len(row) if isinstance(row, list | tuple) else 0
    return Fault(
        detail=f"Instance {index}: must have {len(names)} values. Received: {received}.",
        pointer=f"#/instances/{index}",
    )


def _check_inputs(instances: Sequence[object], signature: Signature) -> None:
    """Refuse rows none of which has one of the inputs, in the words of MLflow.

    Raises:
        InvalidInstances: An input is missing everywhere.
    """
    rows = [row for row in instances if isinstance(row, dict)]
    if not rows or len(rows) < len(instances):
        return
    missing = [spec.name for spec in signature.inputs if not _is_in_any(spec.name, rows)]
    if not missing:
        return
    found = dict.fromkeys(islice((name for row in rows for name in row), _MAX_NAMES))
    if signature.picture is not None and found.keys() == {"b64"}:
        return
    known = known_names(found, missing)
    missing = [name for name in missing if name not in known.values()]
    if missing:
        names = _names(signature)
        others = [name for name in found if name not in names and name not in known]
        raise _invalid(_missing(missing, others))


def _is_in_any(name: str, rows: Sequence[Mapping[str, object]]) -> bool:
    return any(name in row for row in rows)


def _missing(names: Sequence[str], others: Sequence[str]) -> str:
    extra = f" Note that there were extra inputs: [{_listed(others)}]." if others else ""
    return f"Model is missing inputs [{_listed(names)}].{extra}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(shown, names[:MAX_FAULTS]))


def _shown_type(value: object) -> str:
    return _TYPES.get(type(value), "a number")


def _invalid(detail: str) -> InvalidInstances:
    return InvalidInstances([Fault(detail=f"Invalid input. {detail}", pointer="#")])
