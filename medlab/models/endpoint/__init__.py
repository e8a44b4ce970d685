"""Models behind an address: any server that speaks the OpenAI chat protocol, and the gate in front of it.

address     which machine a URL means, and what is refused before anything is sent
secret      the key: where it comes from, and that it is seen nowhere but in one header
wire        the only place that bytes leave through
gate        what may leave, and what stops it
burned_in   words in the picture, found by OCR
request     a Query as the JSON that is sent
reply       the JSON that came back
faults      what went wrong, in words
model       the Model made of these
"""
