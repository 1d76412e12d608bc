"""Following the description: what the contract of an operation is, and how two descriptions of it differ.

For those who maintain this project; no part of what is installed. It stands apart from the client, so that it works
on whatever the description has become. `python -m tools --help` tells how it is called.
"""
