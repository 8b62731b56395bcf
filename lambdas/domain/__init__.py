"""Pure code, standard library only: ticks and their keys, tapes and metrics, signatures."""
