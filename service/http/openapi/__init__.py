"""The description of the service: OpenAPI 3.1 for programs, and a page for readers."""
