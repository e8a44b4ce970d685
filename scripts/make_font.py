#!/usr/bin/env python3
"""Make the small Chinese font that medlab's figures carry: a renamed subset of Noto Sans CJK SC.

It keeps ASCII, the punctuation that Chinese text needs, the 3,755 characters of GB 2312 level 1 and the rarer ones
of radiology listed below. It does not know how figures use the font; that is medlab/plots/style.py.

    apt-get install fonts-noto-cjk && pip install fonttools
    python scripts/make_font.py /usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc

The subset gets a family name of its own, so that it never stands in for a complete Noto that is installed. Noto
Sans CJK is (c) Adobe, SIL Open Font License 1.1; the licence text lies beside the font.
"""

import argparse
import pathlib

FAMILY = "Medlab Sans SC"
TARGET = pathlib.Path(__file__).parents[1] / "medlab" / "plots" / "fonts" / "MedlabSansSC-Regular.otf"
SIMPLIFIED_CHINESE = 2
"""index of the SC face in Noto's collection"""

PUNCTUATION = "，。、；：？！“”（）《》〈〉【】「」『』—～％℃±×÷≤≥≈μ°²³←→↑↓□•–−½αβγ"
LEFT_OUT = "·×‘’…"
"""full-width in this font; English text looks right with the fallback's narrow ones"""

ANATOMY = (
    "膈膜肺肱胛髂骶尾髋胫腓跗跖跟距舟楔骰趾踝髌腘腱腕掌指肘尺桡颅颞枕顶额"
    "蝶筛鞍垂脑桥髓胼胝穹窿岛辐冠脉络丛蛛硬脊椎棘颈咽喉腭颌颊腮唇龈舌腺杓"
)
DISEASE = (
    "痰痨瘤癌囊脓疱疹癣疖痈疡痹瘫痪癫痫痉瘢瘀瘘疝憩栓梗塞粥嵌绞痔疸黄绀"
    "杵咯喘哮嗽呃嗳呕眩晕厥谵谧搏悸窘迫窒瘪膨隆坏疽腐蚀糜烂溃疣痣痂皲疥"
)
DESCRIPTION = "磨玻璃网状蜂窝粟粒毛刺分叶晕征龛锥楔锯齿簇弥漫弧灶斑片絮钝锐曲狭窄拧扩张迂折叠冗嵴凸凹翳霭朦胧曳潴衬伪"
CHEST = (
    "肋膈角锁纵隔奇裂隆突气胸液实变肺不张支主动结钙化起搏器导线胃食"
    "饲引流套腔静脉插管胸骨骼柄剑乳晕腋胰脾肾贲幽阑肛盂膀胱窦褶湮睾"
)
RADIOLOGY = ANATOMY + DISEASE + DESCRIPTION + CHEST


def characters() -> str:
    """Every character kept, sorted."""
    level_1 = bytes(byte for row in range(0xB0, 0xD8) for cell in range(0xA1, 0xFF) for byte in (row, cell))
    ascii_and_latin = "".join(map(chr, [*range(0x20, 0x7F), *range(0xA0, 0x100)]))
    kept = ascii_and_latin + PUNCTUATION + level_1.decode("gb2312", errors="ignore") + RADIOLOGY
    return "".join(sorted(set(kept) - set(LEFT_OUT)))


def make(collection: pathlib.Path, target: pathlib.Path = TARGET) -> pathlib.Path:
    """Write the subset of `collection` to `target`; the same input gives the same bytes."""
    from fontTools import subset
    from fontTools.ttLib import TTFont

    font = TTFont(collection, fontNumber=SIMPLIFIED_CHINESE, recalcTimestamp=False)
    options = subset.Options(layout_features=[], hinting=False, desubroutinize=True, name_IDs=["*"])
    subsetter = subset.Subsetter(options)
    subsetter.populate(text=characters())
    subsetter.subset(font)
    _rename(font)
    font.save(target)
    return target


def _rename(font) -> None:
    """Give the family its own name; copyright, trademark and licence entries stay."""
    postscript = FAMILY.replace(" ", "") + "-Regular"
    names = {1: FAMILY, 3: f"{postscript};subset", 4: f"{FAMILY} Regular", 6: postscript, 16: FAMILY}
    for entry in font["name"].names:
        if entry.nameID in names:
            entry.string = names[entry.nameID]
    outline = font["CFF "].cff
    outline.fontNames = [postscript]
    outline.topDictIndex[0].FullName = names[4]
    outline.topDictIndex[0].FamilyName = FAMILY


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("collection", type=pathlib.Path, help="NotoSansCJK-Regular.ttc")
    made = make(parser.parse_args().collection)
    print(f"{made.name}: {made.stat().st_size} bytes, {len(characters())} characters")
