"""Pieces of OpenAPI that the descriptions of several routes are made of."""

from typing import Any

from service.http.operations import Describe

Schema = dict[str, Any]

JSON = "application/json"


def answer(
    description: str, schema: Schema, *, status: int = 200, media_type: str = JSON
) -> Schema:
    """Describe the answer of one status, as the `responses` of an operation."""
    content = {media_type: {"schema": schema}}
    return {str(status): {"description": description, "content": content}}


def answers(responses: Schema) -> Describe:
    """Describe a route by its responses, which no model changes."""
    return lambda _: {"responses": responses}


def query(name: str, description: str, schema: Schema) -> Schema:
    """Describe a parameter of the query that may be left out."""
    return {"name": name, "in": "query", "description": description, "schema": schema}


def header(name: str, description: str, schema: Schema) -> Schema:
    """Describe a header of a request that may be left out."""
    return {"name": name, "in": "header", "description": description, "schema": schema}


def record(**properties: Schema) -> Schema:
    """Describe an object that has all of these members, and no others."""
    return {
        "type": "object",
        "required": list(properties),
        "properties": properties,
        "additionalProperties": False,
    }


def array(items: Schema) -> Schema:
    """Describe an array."""
    return {"type": "array", "items": items}


def mapping(values: Schema) -> Schema:
    """Describe an object with members of any name."""
    return {"type": "object", "additionalProperties": values}


def nullable(schema: Schema) -> Schema:
    """Describe a value of one type that may be null."""
    return {**schema, "type": [schema["type"], "null"]}
