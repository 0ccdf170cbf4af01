"""The schema under the libraries that applications use: docs/clients.md, and what proves it."""
