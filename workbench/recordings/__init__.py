"""What comes out of a run: spikes, traces, prices, the ledger, the placement, and the recording that holds them."""
