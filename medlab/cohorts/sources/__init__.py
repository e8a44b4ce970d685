"""One file a data set: where its tables lie, and what their cells mean. None of them opens a picture."""
