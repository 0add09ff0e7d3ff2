"""HTTP as the journal API speaks it: versions, headers, bodies, envelopes, stored answers."""
