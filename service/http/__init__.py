"""Requests in, answers out: the routes, what they read and what they write."""
