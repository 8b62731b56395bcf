"""The judges: what the stack may be, and the gate that says so."""
