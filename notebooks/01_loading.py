# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # What does a model get to see?
#
# [Open in Colab](https://colab.research.google.com/github) (choose `01_loading.ipynb` from the project's
# repository, or upload it there) · in JupyterLab press **Run → Run All Cells**
#
# *Between the X-ray machine and the model stand half a dozen small decisions. Each can be wrong without any error
# message. How do you notice?*
#
# A scanner stores 4,000 or 32,000 shades; a model is given 256. A file may say "low is white"; a model assumes "low is
# black". A film is a rectangle; a model wants a square. This page loads a real film and a synthetic one, goes through
# those decisions one by one, breaks each on purpose, and shows how the damage is seen.
#
# **You will** (1) load a real DICOM film and read the account of what was done to it, (2) choose a window and say what
# it throws away, (3) recognise four silent failures by eye and by number, (4) read a mask, and (5) split a cohort so
# that no patient is on both sides.
#
# | | |
# |---|---|
# | **Minutes** | 25 |
# | **Hardware** | any laptop; no GPU, no account, no network |
# | **Data** | three real, public, de-identified files of `pydicom-data`; synthetic films drawn here |
# | **Licence** | text and code Apache-2.0; the real files MIT (pydicom-data) |
# | **Before** | [`00_start_here`](00_start_here.ipynb) |

# %% [markdown]
# ## Set up
#
# The same cell as in every notebook: it installs the package `medlab-workbench` where medlab is missing, and otherwise
# does nothing.

# %% tags=["setup"]
import importlib.util
import subprocess
import sys

if importlib.util.find_spec("medlab") is None:  # Colab, or a kernel without medlab
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "medlab-workbench[samples,codecs]"], check=True)
import medlab

# %%
# NBVAL_IGNORE_OUTPUT
medlab.about()

# %% [markdown]
# ## 1. A real film
#
# `sample_path` says where a few real files lie on this machine; nothing is fetched. `load_scan` looks at the bytes
# of a file, not at its name, and gives a `Scan`: the picture as numbers from 0 (black) to 1 (white), bright where
# the body is dense, and the account of how it was made.

# %%
from medlab.loaders.samples import sample_path

film = medlab.load_scan(sample_path("chest-cr"))
medlab.show(film)

# %% [markdown]
# The account is at the right of the picture, and in plain text below. A **correction** is something that the loader
# changed because the file asked for it. A **doubt** is something that it could not be sure of: it is told, never
# hidden, and what to make of it is up to you.

# %%
print(film.audit())

# %% [markdown]
# This file stores low values as *white* (DICOM calls that `MONOCHROME1`), so the picture had to be turned. It also
# states a pixel spacing of zero: no length can be measured on this film, and so there is no scale bar.
#
# What is *not* in a `Scan` matters as much: no name, no birth date, no number of the patient. Only a short list of
# header fields leaves the loader at all.

# %% [markdown]
# ## 2. Its synthetic twin
#
# Beside it a phantom. To the eye it is a chest film; unlike the real one, its truth is known to the pixel. The pair is
# how this workbench thinks: find out *whether a method works* where the truth is known, then look at real films.

# %%
twin = medlab.Phantom(size=512).draw(seed=27)
medlab.show([film, twin], titles=["real", "synthetic"])

# %% [markdown]
# ## 3. Windows: which shades are kept
#
# A CT slice holds some 4,000 shades, in Hounsfield units: air -1000, water 0, bone several hundred. A screen, and most
# models, have 256. A **window** (centre, width) says which shades are spread over the grey scale. All below it turns
# black, all above white, and is gone for whoever sees only the picture.
#
# This slice offers two windows. Here are both, then everything at once, then one that is made for another organ.

# %%
path = sample_path("spine-ct")
views = {
    "the file's first": medlab.load_scan(path, window=0),
    "the file's second": medlab.load_scan(path, window=1),
    "full range": medlab.load_scan(path, full_range=True),
    "brain: wrong here": medlab.load_scan(path, window="brain"),
}
medlab.show(list(views.values()), titles=list(views))

# %% [markdown]
# Four pictures, one file. A question about the marrow has an answer in the second, and none in the last. Note the
# doubts that the loader tells, and one thing that it cannot know: the header of this file says that it shows a *neck*.
#
# The damage has a number. It is the share of pixels that stand at pure black or pure white:

# %%
for name, scan in views.items():
    black, white = (scan.pixels == 0).mean(), (scan.pixels == 1).mean()
    print(f"{name:<18} black {black:6.1%}   white {white:6.1%}   window {scan.window}")

# %% [markdown]
# What a window has cut off does not come back. `show(scan, stretch=(black, white))` spreads the grey that is there
# over the whole scale, for the eye only. Below, the middle of the grey scale of the first two pictures: the
# vertebra of the first stays a white blot, that of the second shows its structure. To see what a window has cut off,
# load the file again with another.

# %%
medlab.show(list(views.values())[:2], stretch=(0.2, 0.8), titles=["first, stretched", "second, stretched"])

# %% [markdown]
# ## 4. Four silent failures
#
# None of the following raises an error, and all are found in published code. Each is shown against what `load_scan`
# gives. Look first; the number comes after.
#
# **Not turned.** A reader that ignores `MONOCHROME1` hands the model a negative. Lungs are air and must be darker than
# the spine.

# %%
negative = film.replace(pixels=1 - film.pixels, notes=())
medlab.show([film, negative], titles=["as loaded", "not turned"])

# %% [markdown]
# By number: compare a strip of the spine with a patch of lung. In a true picture the spine is brighter.

# %%
spine, lung = (slice(500, 900), slice(880, 960)), (slice(500, 800), slice(350, 500))
for name, scan in {"as loaded": film, "not turned": negative}.items():
    print(f"{name:<11} spine {scan.pixels[spine].mean():.2f}   lung {scan.pixels[lung].mean():.2f}")

# %% [markdown]
# **Gone white.** A PNG may hold 16 bits, and many archives use that. The usual way to open a picture as grey, Pillow's
# `convert("L")`, then cuts every value at 255 of 65,535.

# %%
import io

import numpy as np
import PIL.Image

buffer = io.BytesIO()
PIL.Image.fromarray(np.round(film.pixels * 65535).astype(np.uint16)).save(buffer, "png")
naive = np.asarray(PIL.Image.open(buffer).convert("L"))
print(f"usual way: {(naive == 255).mean():.1%} of the pixels are pure white")

# %% [markdown]
# `load_scan` takes the bytes themselves, sees the 16 bits, and keeps the picture.

# %%
kept = medlab.load_scan(buffer.getvalue())
white = medlab.load_scan(naive)
medlab.show([kept, white], titles=["load_scan", "the usual way"])

# %% [markdown]
# **Times 255, once too often.** A line that is copied from notebook to notebook is
# `(image * 255).astype(np.uint8)`. It is right for numbers from 0 to 1. For a picture that is 8-bit already it
# multiplies with overflow: 255 v is the same as -v when counted modulo 256, so the picture is inverted. The numbers
# are all allowed, so nothing can refuse them; `load_scan` only doubts a film that is bright around and dark inside.

# %%
eight_bit = film.to_uint8()
wrong = medlab.load_scan(eight_bit * np.uint8(255))
print("one pixel before and after:", eight_bit[700, 400], round(float(wrong.pixels[700, 400]) * 255))
medlab.show([film, wrong], titles=["right", "times 255 in 8 bits"])

# %% [markdown]
# **Stretched.** A model wants a square. Pulling a rectangle into one changes every shape, and with it whatever a model
# has learnt about, say, the width of a heart. `medlab.prepare` pads by default; it is the last step before a model.
# A bone scan of a whole body, four times as tall as wide, shows it best.

# %%
body = medlab.load_scan(sample_path("whole-body-nm"))
squares = [medlab.prepare(body, size=448, fit=fit) for fit in ("pad", "stretch")]
seen = [medlab.Scan(square.pixels[0] / 2 + 0.5) for square in squares]
medlab.show([body, *seen], titles=["the file", "padded", "stretched"])

# %% [markdown]
# What is prepared remembers its way back: a point on the square belongs to one point of the original. Later notebooks
# need that to draw what a model attended to on the picture that people know.

# %%
print(squares[0].fit)
print("centre of the square in pixels of the file:", squares[0].fit.to_original([224, 224]))

# %% [markdown]
# What cannot be done at all is the harmless case, because it says so. An error of medlab tells what was given and
# what is accepted, and where it can, what to do next:

# %% tags=["raises-exception"]
medlab.load_scan(sample_path("spine-ct"), window=7)

# %% [markdown]
# ## 5. Masks: the truth to the pixel
#
# The synthetic twin carries a mask for each finding and organ: an array of yes and no, as large as its picture. The
# tightest box around one is `(top, left, bottom, right)`, in pixels of the original.

# %%
medlab.show(twin, masks=["nodule", "pneumothorax"], report=False)

# %%
nodule = twin.masks[0]
print(nodule.label, nodule.side, nodule.pixels.shape, nodule.pixels.dtype, int(nodule.pixels.sum()), nodule.box_px)
print("nodule:", twin.state_of("nodule"), "  effusion:", twin.state_of("effusion"))

# %% [markdown]
# ## 6. Cohorts: many cases, one table
#
# `load_cohort` gives a Hugging Face dataset, so `filter`, `map` and `select` work as usual. Here fourteen films of
# seven synthetic patients, two visits each. One row is one case; `case_of` turns it back into one.

# %%
cohort = medlab.load_cohort("phantom", n=14, seed=43, size=128, visits=True)
print(cohort.num_rows, "cases of", len(set(cohort["patient_id"])), "patients")
medlab.show([medlab.case_of(row) for row in cohort.select(range(2))], masks=False, boxes=False)

# %% [markdown]
# A cohort comes with a split, made from a hash of each patient's id: the same on every machine, and both visits of a
# patient always on the same side. Where a data set has an official split, that one is kept.

# %%
parts = cohort.select_columns(["patient_id", "split", "split_source"])
for patient, split, source in sorted({tuple(row.values()) for row in parts}):
    print(f"{patient}  {split:<10}  split by {source}")

# %% [markdown]
# The easy way, a random split of the *rows*, puts the same patient on both sides. A model then recognises the patient,
# and the test score is a memory test. medlab refuses:

# %% tags=["raises-exception"]
from medlab.cohorts.splits import check_leakage

naive_split = cohort.train_test_split(test_size=0.5, seed=0)
check_leakage(naive_split["train"], naive_split["test"])

# %% [markdown]
# ## Your turn
#
# **Exercise 1.** There are windows called `"bone"` and `"lung"`. Which of the two loses more of the slice, and does it
# lose the dark end or the bright one? Guess before you count.

# %% tags=["exercise"]
lost = {"bone": (None, None), "lung": (None, None)}  # your turn: the shares of pure black and of pure white
print(lost)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# scans = {name: medlab.load_scan(path, window=name) for name in ("bone", "lung")}
# lost = {name: ((scan.pixels == 0).mean(), (scan.pixels == 1).mean()) for name, scan in scans.items()}
# for name, (black, white) in lost.items():
#     print(f"{name}: black {black:.1%}, white {white:.1%}")
# assert lost["bone"][0] > lost["bone"][1] and lost["lung"][1] > lost["lung"][0]
# ```
#
# The bone window (400, 1800) begins at -500: it loses the air, and more pixels in all, but nothing that a question
# about bone would need. The lung window (-600, 1500) ends at +150: it loses fewer pixels, and they are the bone. The
# share of what is lost says nothing until you know what is asked.
#
# </details>
#
# **Exercise 2.** Someone hands you `mystery`. Which of the four failures does it suffer from? Repair it.

# %% tags=["exercise"]
mystery = medlab.load_scan(255 - film.to_uint8()[::2, ::4])
repaired = mystery  # your turn; medlab.show([film, repaired]) tells whether it worked

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# mystery = medlab.load_scan(255 - film.to_uint8()[::2, ::4])
# repaired = medlab.load_scan(np.repeat(255 - mystery.to_uint8(), 2, axis=1))
# assert abs(repaired.pixels.mean() - film.pixels.mean()) < 0.01
# medlab.show([film, repaired])
# ```
#
# Two at once: it is a negative, and it is squeezed, with every second row but every fourth column. The columns that
# were thrown away do not come back; repeating those that are left only restores the shape.
#
# </details>
#
# **Exercise 3.** Split the rows so that `check_leakage` has nothing to say.

# %% tags=["exercise"]
train, test = naive_split["train"], naive_split["test"]  # your turn: use the column "split"

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# train = cohort.filter(lambda row: row["split"] == "train")
# test = cohort.filter(lambda row: row["split"] != "train")
# check_leakage(train, test)
# print(len(train), len(test))
# ```
#
# With seven patients the parts are of uneven size, and one may be empty; with some hundreds they come near 80, 10
# and 10 %.
#
# </details>

# %% [markdown]
# ## What this does not show
#
# - Whether a model *minds*: that is measured later, by asking the same question of the right and the broken picture.
# - Every trap. A picture may be mirrored, the wrong patient's, or processed beyond recognition by the scanner; a
#   loader cannot see that, and says so only where the file gives a hint.
# - That a film without doubts is a good film. No doubt means that the loader found none.
#
# ## Next
#
# [`02_inference`](02_inference.ipynb) asks a model. Words used here: *window*, *mask*, *cohort*, *leak* are explained
# in the project's documentation.
