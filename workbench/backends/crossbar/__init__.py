"""The crossbar backend: networks on tiles of conductances."""
