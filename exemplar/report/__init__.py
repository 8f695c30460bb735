"""Tables, plots, galleries: what a run leaves for a reader."""
