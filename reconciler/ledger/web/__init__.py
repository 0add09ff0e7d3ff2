"""The HTTP conventions of the journal API: headers, bodies, envelopes, stored answers."""
