"""Field work: what inspectors get in hand (work lists, a form for their phones), and where forms are pushed."""
