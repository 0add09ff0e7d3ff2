"""HTTP for every API that is called: bounded, verified, without secrets in messages."""
