"""Every header element that the DICOM reader ever looks at: an allow-list, not a dictionary.

An element that is not named here is stepped over by its length; its value is never read, so it cannot leave. No free
text is on the list. `PatientID` feeds a salted hash and nothing else; the two UIDs are only compared.
"""

TAGS: dict[str, tuple[int, str]] = {
    # what the file is
    "SpecificCharacterSet": (0x00080005, "CS"),
    "ImageType": (0x00080008, "CS"),
    "SOPClassUID": (0x00080016, "UI"),
    "Modality": (0x00080060, "CS"),
    "ConversionType": (0x00080064, "CS"),
    "CodeValue": (0x00080100, "SH"),
    "PatientID": (0x00100020, "LO"),
    "SeriesInstanceUID": (0x0020000E, "UI"),
    # what was imaged, and how large
    "ImagerPixelSpacing": (0x00181164, "DS"),
    "NominalScannedPixelSpacing": (0x00182010, "DS"),
    "ViewPosition": (0x00185101, "CS"),
    "ImagePositionPatient": (0x00200032, "DS"),
    "ImageOrientationPatient": (0x00200037, "DS"),
    "Laterality": (0x00200060, "CS"),
    "ImageLaterality": (0x00200062, "CS"),
    "ViewCodeSequence": (0x00540220, "SQ"),
    # the layout of the stored values
    "SamplesPerPixel": (0x00280002, "US"),
    "PhotometricInterpretation": (0x00280004, "CS"),
    "PlanarConfiguration": (0x00280006, "US"),
    "NumberOfFrames": (0x00280008, "IS"),
    "Rows": (0x00280010, "US"),
    "Columns": (0x00280011, "US"),
    "PixelSpacing": (0x00280030, "DS"),
    "PixelAspectRatio": (0x00280034, "IS"),
    "BitsAllocated": (0x00280100, "US"),
    "BitsStored": (0x00280101, "US"),
    "HighBit": (0x00280102, "US"),
    "PixelRepresentation": (0x00280103, "US"),
    "PixelPaddingValue": (0x00280120, "US"),
    "PixelPaddingRangeLimit": (0x00280121, "US"),
    "BurnedInAnnotation": (0x00280301, "CS"),
    "LossyImageCompression": (0x00282110, "CS"),
    # from stored values to grey
    "WindowCenter": (0x00281050, "DS"),
    "WindowWidth": (0x00281051, "DS"),
    "RescaleIntercept": (0x00281052, "DS"),
    "RescaleSlope": (0x00281053, "DS"),
    "VOILUTFunction": (0x00281056, "CS"),
    "ModalityLUTSequence": (0x00283000, "SQ"),
    "LUTDescriptor": (0x00283002, "US"),
    "LUTData": (0x00283006, "OW"),
    "VOILUTSequence": (0x00283010, "SQ"),
    "PresentationLUTShape": (0x20500020, "CS"),
    # palettes
    "RedPaletteDescriptor": (0x00281101, "US"),
    "GreenPaletteDescriptor": (0x00281102, "US"),
    "BluePaletteDescriptor": (0x00281103, "US"),
    "RedPaletteData": (0x00281201, "OW"),
    "GreenPaletteData": (0x00281202, "OW"),
    "BluePaletteData": (0x00281203, "OW"),
    "SegmentedRedPaletteData": (0x00281221, "OW"),
    "SegmentedGreenPaletteData": (0x00281222, "OW"),
    "SegmentedBluePaletteData": (0x00281223, "OW"),
    # enhanced multi-frame
    "PlanePositionSequence": (0x00209113, "SQ"),
    "PlaneOrientationSequence": (0x00209116, "SQ"),
    "PixelMeasuresSequence": (0x00289110, "SQ"),
    "FrameVOILUTSequence": (0x00289132, "SQ"),
    "PixelValueTransformationSequence": (0x00289145, "SQ"),
    "SharedFunctionalGroupsSequence": (0x52009229, "SQ"),
    "PerFrameFunctionalGroupsSequence": (0x52009230, "SQ"),
    # where the pixels are
    "ExtendedOffsetTable": (0x7FE00001, "OV"),
    "ExtendedOffsetTableLengths": (0x7FE00002, "OV"),
    "FloatPixelData": (0x7FE00008, "OF"),
    "DoubleFloatPixelData": (0x7FE00009, "OD"),
    "PixelData": (0x7FE00010, "OW"),
}
"""keyword: (tag, value representation where the file does not write one). PS3.6"""

NAMES = {tag: name for name, (tag, _) in TAGS.items()}
PIXELS = frozenset(TAGS[name][0] for name in ("FloatPixelData", "DoubleFloatPixelData", "PixelData"))
"""the elements at which reading a header stops"""
