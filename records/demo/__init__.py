"""The demo: the sample business of records/demo/northwind, brought in as any import is."""
