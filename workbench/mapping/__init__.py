"""From a netlist and a chip to a placement: partition the neurons over cores, place the cores on the mesh, route the packets."""
