"""DICOM, from bytes to one picture and the account of it. `reader.read` is the way in; docs/dicom.md is the map."""
