"""Networks as pictures: a plan of what is drawn, blocks that have their sizes, and the SVG that they make."""
