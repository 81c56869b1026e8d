"""The contracts every other room builds on: rows, frames, recipe, manifest, errors.

Imports the standard library, pydantic and polars, and nothing of feingold.
"""
