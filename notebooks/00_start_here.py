# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Start here: a chest film whose truth is known
#
# [Open in Colab](https://colab.research.google.com/github) (choose `00_start_here.ipynb` from the project's
# repository, or upload it there) · in JupyterLab press **Run → Run All Cells**
#
# *A model that reads X-rays may be right for the wrong reason. How would you ever notice?*
#
# medlab is a workbench for that question: it puts a medical image in front of a vision-language model, lets you ask,
# shows what the answer rests on, and measures whether that explanation deserves trust. The trick is to begin with
# pictures whose truth is known to the pixel, because they were drawn from it. This page makes the first one.
#
# **You will** (1) check that this machine is ready, (2) draw a synthetic chest film, (3) read the truth that comes
# with it, and (4) see why the same seed is the same picture everywhere.
#
# | | |
# |---|---|
# | **Minutes** | 5 |
# | **Hardware** | any laptop; no GPU, no account, no network |
# | **Data** | synthetic, drawn on this page |
# | **Licence** | text, code and pictures Apache-2.0 |
# | **Before** | nothing; a little Python |

# %% [markdown]
# ## Set up
#
# Every notebook begins with this cell. Where medlab is installed it does nothing; elsewhere, as on Colab, it installs
# the package `medlab-workbench` from the package index. It may be run again at any time.

# %% tags=["setup"]
import importlib.util
import subprocess
import sys

if importlib.util.find_spec("medlab") is None:  # Colab, or a kernel without medlab
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "medlab-workbench[samples,codecs]"], check=True)
import medlab

# %% [markdown]
# One line tells which versions made the results below. Keep it with anything that you publish. Your line will differ
# from the one stored here; if something does not work, `medlab doctor` in a terminal says what is missing and how to
# get it.

# %%
# NBVAL_IGNORE_OUTPUT
medlab.about()

# %% [markdown]
# ## A film that was never taken
#
# A *phantom* is a stand-in for a patient. Ours is drawn: ribs, lungs, heart, vessels, noise, and then findings, each
# where we ask for it or where the seed puts it. No patient was exposed, so it can be shared with anyone.

# %%
phantom = medlab.Phantom(size=512)
case = phantom.draw(seed=8)
case

# %% [markdown]
# `medlab.show` draws any scan or case. Read it as a radiologist hangs a film: **you face the patient**, so the
# patient's right is at the left of the picture. The coloured outline is the truth; the letters and the outline are
# drawn over or beside the picture and are not part of what a model gets.

# %%
medlab.show(case)

# %% [markdown]
# ## What is known, and what is not
#
# Each finding has a *state*. `present` and `absent` are what they say. Real reports also leave things `uncertain`, or
# do not speak of them at all (`not_mentioned`): both are states of their own, and neither means "no".

# %%
for finding in case.findings:
    details = [finding.side, finding.zone, finding.severity]
    print(f"{finding.state:<8} {finding.name:<18}", *filter(None, details))

# %% [markdown]
# The truth is known to the pixel. A mask is an array of yes and no, as large as the picture. Later notebooks ask a
# model where it looked, and compare the answer with this mask.

# %%
for mask in case.masks:
    print(f"{mask.label:<15} {mask.side or '':<6} {mask.pixels.mean():6.1%} of the picture, box {mask.box_px}")

# %% [markdown]
# ## The same case, in Chinese
#
# The report exists in English and in Chinese. They say the same, because both were written from the same truth.

# %%
medlab.show(case, language="zh", masks=False)

# %% [markdown]
# ## The same seed, the same bytes
#
# A result that cannot be repeated is an anecdote. Drawing seed 8 again gives the same bytes, here and on any other
# machine with the same versions of the libraries; another seed gives another patient. A *fingerprint* is a short text
# computed from every field of a record.

# %%
print(phantom.draw(seed=8).fingerprint == case.fingerprint)
print(phantom.draw(seed=9).fingerprint == case.fingerprint)

# %% [markdown]
# ## Your turn
#
# **Exercise 1.** Draw a chest with nothing wrong: `findings=()` leaves them all out. Which state do its findings have?

# %% tags=["exercise"]
normal = phantom.draw(seed=8)  # change this line
print(sorted({finding.state for finding in normal.findings}))

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# normal = phantom.draw(seed=8, findings=())
# print(sorted({finding.state for finding in normal.findings}))
# assert {finding.state for finding in normal.findings} == {"absent"}
# ```
#
# All are `absent`: the generator knows that it drew none of them. A real report that is silent about a finding would
# say `not_mentioned` instead.
#
# </details>
#
# **Exercise 2.** How many pixels of the picture belong to the heart?

# %% tags=["exercise"]
heart_pixels = 0  # your turn: find the mask whose label is "heart" and count

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# heart_pixels = sum(int(mask.pixels.sum()) for mask in case.masks if mask.label == "heart")
# print(heart_pixels)
# assert heart_pixels > 0
# ```
#
# `mask.pixels` holds one yes or no per pixel, and yes counts as 1.
#
# </details>

# %% [markdown]
# ## What this does not show
#
# A phantom is not a patient. It is good for asking *whether a method finds what is there*, because we know what is
# there. It says nothing about how often a model errs on real films, and a model that does well here may fail in a
# clinic. medlab is for research and teaching only.
#
# ## Next
#
# | notebook | the question | minutes |
# |---|---|---|
# | `00_start_here` | is this machine ready, and what is a phantom? | 5 |
# | [`01_loading`](01_loading.ipynb) | what does a model get to see? | 25 |
# | [`02_inference`](02_inference.ipynb) | what did it say, and how sure was it? | 40 |
# | [`03_attention`](03_attention.ipynb) | where did it look, and did it matter? | 45 |
# | [`04_gradients_and_occlusion`](04_gradients_and_occlusion.ipynb) | what if the film had been different? | 45 |
# | [`05_should_we_believe_it`](05_should_we_believe_it.ipynb) | should we believe a map? | 45 |
