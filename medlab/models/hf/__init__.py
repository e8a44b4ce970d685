"""Local checkpoints of transformers: `model.HFModel`, and the two ways in which it lets one speak.

`cached` is for Gemma 3, MedGemma and the demo model among them: scans are encoded once, what is asked about one scan
shares its keys and values, questions go through in batches. `borrowed` leaves everything to transformers' own
`generate` and so serves any other class, one question at a time.
"""
