"""The server process, its logs, and the deployment check."""
