"""The recipes of docs/examples, with the frameworks they are for: `make examples`, in an environment of its own."""
