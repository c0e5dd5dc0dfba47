"""The hot loops: arrays in, arrays out. Nothing here knows what a layer is."""
