# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Where did it look, and did it matter?
#
# [Open in Colab](https://colab.research.google.com/github) (choose `03_attention.ipynb` from the project's
# repository, or upload it there) · in JupyterLab press **Run → Run All Cells**
#
# *Somebody shows you a film with a bright spot on the nodule: "the model was looking here when it said yes". Was it?
# And if it was, is that why it said yes?*
#
# Attention is the only part of a transformer through which a word can see the film, and it comes as numbers that add
# up to 1, ready to be painted. No wonder that it is the most shown picture of all. Here you take it apart: by layer,
# by head, by the word that looks. Then you cut it, and find that the layer with the prettiest map is not the one that
# the answer needs.
#
# **You will** (1) find the image tokens in a prompt and say who may look at whom, (2) predict and then draw attention
# by layer and head, (3) follow it down through the layers, with and without gradients, (4) read image tokens through
# the logit lens, (5) cut attention and measure what the answer loses, and (6) tell a word that saw the film from one
# that is said whatever the picture.
#
# | | |
# |---|---|
# | **Minutes** | 45 |
# | **Hardware** | any laptop; no GPU, no account, no network |
# | **Data** | synthetic films drawn here |
# | **Licence** | text, code and demo model Apache-2.0 |
# | **Before** | [`02_inference`](02_inference.ipynb) |

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
# **This line chooses the model.** The demo model has 4 layers of 5 heads; `"medgemma-1.5-4b-it"` has 34 of 8, and
# everything below runs with it on a machine that holds it, with larger numbers in the sentences.

# %%
MODEL = "demo"
model = medlab.load_model(MODEL)

# %% [markdown]
# ## 1. A film becomes 196 words
#
# One film for this page, with two findings: a nodule in the right lower zone and an effusion on the left. Outlines are
# the truth; the model gets the pixels alone.

# %%
case = medlab.Phantom(size=512).draw(seed=700_370)
nodule = model.query(case, "Is there a nodule?")
effusion = model.query(case, "Is there a pleural effusion?")
medlab.show(case, report=False, audit=False, boxes=False, masks=["nodule", "effusion"])

# %%
for query in (nodule, effusion):
    print(query.messages[0].parts[-1].text, model.score(query, ["Yes", "No"]))

# %% [markdown]
# Both right, both sure. How did the film get in? A vision tower cuts it into squares and makes of each a list of
# numbers; a projector turns these into **image tokens**, which stand in the prompt like words. They all carry the same
# id, and that is how they are found. Counting from the front instead goes wrong as soon as a template changes.

# %%
from medlab.explainers.glass import look_into

glass = look_into(model, nodule)
is_image = glass.ids == glass.module.config.image_token_id
first, last = is_image.nonzero()[0].item(), is_image.nonzero()[-1].item()
print(f"{len(glass.ids)} tokens, {int(is_image.sum())} of the film, number {first} to {last}: a grid of {glass.grid}")
print("behind the film:", [model.speech.text([token]) for token in glass.ids[last + 1 :].tolist()])

# %% [markdown]
# The empty texts are marks that are not shown, such as the end of a turn. The word "Yes" will come right behind the
# last token: it is **foretold** there, by a line break. So when we ask where the model looked when it said "Yes", we
# ask where that line break looked. Remember this: it will matter.
#
# MedGemma has 256 tokens for 4,096 squares, 16 in each. In the demo model every square has a token of its own.
#
# ## 2. Who may look at whom
#
# A language model reads from left to right: a word may look at what stands before it. Gemma 3 makes one exception:
# image tokens of one film look at each other in both directions, for a film has no left to right.
#
# **Predict** the four lines before you run them.

# %%
sees = glass.allowed(len(glass.ids))["full_attention"][0]
last_word = len(glass.ids) - 1
print("the first image token sees the last one:   ", bool(sees[first, last]))
print("the last image token sees the question:    ", bool(sees[last, last + 5]))
print("the question sees the film:                ", bool(sees[last + 5, first]))
print("the question's first word sees its last:   ", bool(sees[last + 3, last_word]))

# %% [markdown]
# The second line has a consequence: *this film was read before anybody knew the question.* All 196 tokens are the same
# whatever you ask. Put the text first, and the film can be read with the question in mind. The first MedGemma was
# published with the text first, MedGemma 1.5 and the demo model were taught with the film first. The prompt decides:

# %%
from medlab.core.query import Prompt

turned = model.query(case, Prompt("text-first", "Is there a nodule?", order="text_first"))
place = look_into(model, turned).places()
print(f"film first: tokens {first} to {last}; text first: tokens {place.start} to {place.stop - 1}")

# %% [markdown]
# One more thing about Gemma 3: most of its layers are **local** (called sliding), and look only so far back. A film
# that stands further back than that is out of their sight. Here the window is longer than the prompt, so both kinds
# see the same; behind a long report or several films they do not.

# %%
kinds = glass.language.config.layer_types
print("layers:", ", ".join(f"{number} {kind.removesuffix('_attention')}" for number, kind in enumerate(kinds)))
print("window of the local ones:", glass.language.config.sliding_window, "tokens; prompt:", len(glass.ids))

# %% [markdown]
# ## 3. Attention, layer by layer
#
# `medlab.explain` draws one map by one method. The target `("Yes", "No")` means *Yes rather than No*. `layers` picks a
# layer. **Predict**: will the layers agree? Which will look at the nodule: the first, the last, all?

# %%
YES = ("Yes", "No")
layers = [medlab.explain(model, nodule, YES, method="attention", layers=str(layer)) for layer in range(4)]
medlab.show(layers, case, titles=[f"layer {layer}" for layer in range(4)])

# %% [markdown]
# By number: does the strongest cell touch the nodule? And how much of the attention falls on the film at all? What is
# missing from 1 goes to words and marks. Below, `to_cells` says which share of each cell a mask covers.

# %%
from medlab.core.grid import to_cells


def lies_on(one, label):
    masks = [mask.pixels.astype("float32") for mask in case.masks if mask.label == label]
    share = to_cells(sum(masks), one.fit, one.values.shape)
    return bool(share.flat[one.values.argmax()] > 0.01)


for layer, one in enumerate(layers):
    print(f"layer {layer}: {one.values.sum():.1f} of the attention on the film; nodule hit: {lies_on(one, 'nodule')}")

# %% [markdown]
# Layers 1 and 3 point at the nodule; layers 0 and 2 at other things. Had we shown you layer 3 only, you would have
# been pleased. Which layer is *the* attention map? There is none. And inside a layer there are heads:

# %%
heads = [medlab.explain(model, nodule, YES, method="attention", layers="1", heads=head) for head in range(5)]
medlab.show([heads[0], heads[2]], case, titles=["layer 1, head 0", "layer 1, head 2"])

# %%
for head, one in enumerate(heads):
    print(f"head {head}: {one.values.sum():.2f} of its attention on the film; nodule hit: {lies_on(one, 'nodule')}")

# %% [markdown]
# Heads share the work: some look at hardly anything but the film, others hardly at it, and the mean over heads that
# most papers print hides this. Mind the bars: these maps share one scale, so a head that does not look at the film is
# pale.
#
# **Predict**: how will the map for "No" differ from the map for "Yes"?

# %%
import numpy as np

yes, no = (medlab.explain(model, nodule, word, method="attention", layers="1") for word in YES)
print("the same map:", np.array_equal(yes.values, no.values))

# %% [markdown]
# Not at all. Both words would stand in the same place, and a place looks where it looks before the word is chosen.
# **Attention cannot tell what speaks for a word from what speaks against it.** That is the first reason to distrust
# it.

# %% [markdown]
# ## 4. Down through the layers
#
# A token in layer 3 is no longer one square of the film: in the layers below it has looked around. **Rollout** follows
# attention down, layer by layer, half of the flow passing each layer by. **Relevance** does the same, but weighs each
# bit of attention with the gradient of the score, and keeps what raises it: now the word counts. It is medlab's
# *instant* method, one pass forwards and one back. Both are streamed: no more than a piece of one layer's map exists
# at a time, which for MedGemma is the difference between running and not.

# %%
two = medlab.explain(model, nodule, YES, method=["rollout", "relevance"])
medlab.show(two, case)

# %%
both = medlab.explain(model, effusion, YES, method=["rollout", "relevance"])
for name in ("rollout", "relevance"):
    print(f"{name:<10} nodule hit: {lies_on(two[name], 'nodule')}   effusion hit: {lies_on(both[name], 'effusion')}")

# %% [markdown]
# Both point at both findings on this film, and yet they hardly agree: the number under the picture is a rank
# correlation over all 196 cells, and of most cells each method has its own opinion. Nothing so far says which of them
# is right.
#
# So far the map's cells are image tokens. But a token is not a window either: the *tower* mixes the squares before the
# language model ever sees them. `grid="patches"` follows relevance on, through the tower, to the squares of the film.
# On MedGemma this makes the map finer, too: 64 by 64 instead of 16 by 16.

# %%
squares = medlab.explain(model, effusion, YES, method="relevance", grid="patches")
print("squares:", squares.values.shape, "  effusion hit:", lies_on(squares, "effusion"))
same = squares.values.argmax() == both["relevance"].values.argmax()
print("strongest square is that of the strongest token:", same)

# %% [markdown]
# ## 5. The logit lens: what would an image token say?
#
# The last layer's output is turned into words by one matrix. Nothing forbids us to use that matrix on an *image
# token*, and behind any layer. If a token behind layer 2 would say "nodule", has the model not recognised it there?
#
# **Predict** two things. Will the lens for the word "nodule" point at the nodule? And will it change when the question
# changes? (The blank in `" nodule"` belongs to the token: in the middle of a sentence the word has one.)

# %%
lens = [medlab.explain(model, nodule, " nodule", method="logit_lens", layer=layer) for layer in range(4)]
medlab.show(lens[2], case)

# %%
other = medlab.explain(model, effusion, " nodule", method="logit_lens", layer=2)
print("points at the nodule, by layer:", [lies_on(one, "nodule") for one in lens])
print("the same for another question: ", np.allclose(lens[2].values, other.values, atol=1e-4))

# %% [markdown]
# A lively picture, and no nodule. On some other films the same lens does point at theirs, and nothing in a picture
# says which kind you have: no image token was ever trained to speak. And the second line is section 2 again: the film
# stands before the question, so what its tokens would say cannot depend on it.

# %% [markdown]
# ## 6. Cut it
#
# All the maps above *read* the model. None has changed anything. To learn what an answer needs, take it away:
# `layer_flow` blocks, in one layer at a time, every look from any word at the film, and asks how much the score of
# "Yes" against "No" falls. The unit is the **nat**: 0.7 is a factor of two in the odds, 2.3 a factor of ten, 4.6 of a
# hundred.
#
# You have seen the maps of section 3. **Predict**: which layer's cut will hurt the nodule most?

# %%
from medlab.explainers.inside import layer_flow

flow = layer_flow(model, nodule, YES)
for layer, one in enumerate(layers):
    lost = round(float(flow.alone[layer]))
    print(f"layer {layer}: map hits the nodule: {lies_on(one, 'nodule')!s:<5}  cut: about {lost} nats")
print(f"cut everywhere: about {flow.from_bottom[-1]:.0f} nats")

# %% [markdown]
# The answer hangs on **layer 0, whose map pointed elsewhere**. Layers 1 and 3, which pointed at the nodule so nicely,
# can be cut at a small price. The map was not wrong about where that line break looked. It was not *why*.
#
# But how can layer 0 matter if its map is off? The map shows one reader, the line break. The cut blinds them all. So
# who reads? `readers` blinds one word at a time in one layer:

# %%
from medlab.explainers.readers import readers

found = readers(model, nodule, YES)
for layer, word in np.argwhere(found.lost_nats > 0.6):
    print(f"layer {layer}: {found.tokens[word]!r:<10} {found.lost_nats[layer, word]:4.1f} nats")
medlab.show(found)

# %% [markdown]
# It is the word **" nodule" in the question**. In layer 0 it looks at the film by itself; what it finds there travels
# on to the line break. Let us see with its eyes: `reader` draws where a word of the prompt looks.

# %%
eyes = medlab.explain(model, nodule, YES, method="attention", layers="0", reader="nodule", heads=4)
print(f"{eyes.values.sum():.2f} of its attention on the film; nodule hit: {lies_on(eyes, 'nodule')}")
medlab.show([layers[0], eyes], case, titles=["layer 0: the line break", "layer 0, head 4: the word 'nodule'"])

# %% [markdown]
# In layer 0, head 4 is a nodule finder: nearly all of its attention is on the film, a good part of it in one place. Is
# it that head which the answer needs? `head_ablation` silences each head in turn, for all tokens.

# %%
from medlab.explainers.inside import head_ablation

lost = head_ablation(model, nodule, YES)
print(lost)
medlab.show(lost)

# %% [markdown]
# It is. A map gave the idea, a cut tested it, and a second cut of another kind agreed: that is how one finds out how a
# model works. It took the right map, of the right reader, and without the cuts we would have shown you another one.
#
# Is that how it always goes? The same for the effusion, with the losses cut from either end as well:

# %%
flow = layer_flow(model, effusion, YES)
print(readers(model, effusion, YES))
medlab.show(flow)

# %% [markdown]
# Another finding, another way: the effusion is read in layer 1, by the line break itself, and there the first kind of
# map tells the truth. Behind layer 1 all is read: cutting layers 2 and 3 costs little.

# %% [markdown]
# ## 7. Words that are said whatever the picture
#
# Now a report. Each map carries `effect_nats`: what the word's score loses when no word may look at the film.

# %%
answer = model.ask(case, "Describe this chest X-ray.")
print(answer.text, "\n")
words = {word: medlab.explain(model, answer, word, method="relevance") for word in ("left", "pleural", "effusion")}
for word, one in words.items():
    print(f"{word:<10} whatever the picture: {one.image_independent}")

# %% [markdown]
# After "moderate left pleural" the model says "effusion" without looking at the film at all. There is a map all the
# same, and a method would gladly paint it. medlab leaves it without colour. The words that need the film are those
# where something was still open, such as the side.

# %%
alt = "The same film twice: a map for the word left, and none for effusion where it comes whatever the picture."
medlab.show([words["left"], words["effusion"]], case, alt=alt)

# %% [markdown]
# ## 8. In Chinese
#
# The demo model answers in Chinese from the same film. **Predict**: does it look at the same place? And is it again
# the word for nodule, 结节, that reads it?

# %%
chinese = model.query(case, "这张胸片是否显示结节？")
print(model.score(chinese, ["是", "否"]))
seen = medlab.explain(model, chinese, ("是", "否"), method="relevance")
medlab.show(seen, case, language="zh")

# %%
found = readers(model, chinese, ("是", "否"))
layer, word = np.unravel_index(found.lost_nats.argmax(), found.lost_nats.shape)
print(f"layer {layer}, token {word} of {found.tokens}")

# %% [markdown]
# The place is the same and so is the layer, but the reader is another one: the unseen mark behind the question, the
# end of the turn. Nobody taught the model which word should do the looking. So it is not safe to draw the map of *the*
# word: one has to find out which.

# %% [markdown]
# ## Your turn
#
# **Exercise 1.** Silencing a head can also *help*. Find the head whose silence raises the score of "Yes" for the
# effusion most. Does a negative number mean that the head is useless?

# %% tags=["exercise"]
lost = head_ablation(model, nodule, YES).lost_nats  # change this line, and find the smallest number
layer, head = 0, 0
print(layer, head)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# lost = head_ablation(model, effusion, YES).lost_nats
# layer, head = np.unravel_index(lost.argmin(), lost.shape)
# print(f"layer {layer}, head {head}: {lost[layer, head]:.1f} nats")
# assert lost[layer, head] < 0
# ```
#
# It spoke against an effusion on this film. On a film without one, the same head may be what keeps the model from
# seeing effusions everywhere. What a head does on one film is not what it is for.
#
# </details>
#
# **Exercise 2.** With the text first, image tokens may look at the question. Does the logit lens then depend on what
# is asked? Write the second query.

# %% tags=["exercise"]
asked = [turned, turned]  # your turn: the second should ask about a pleural effusion, text first
lenses = [medlab.explain(model, query, " nodule", method="logit_lens", layer=2).values for query in asked]
print(np.allclose(*lenses, atol=1e-4))

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# asked = [turned, model.query(case, Prompt("text-first", "Is there a pleural effusion?", order="text_first"))]
# lenses = [medlab.explain(model, query, " nodule", method="logit_lens", layer=2).values for query in asked]
# print(np.allclose(*lenses, atol=1e-4))
# assert not np.allclose(*lenses, atol=1e-4)
# ```
#
# It does, because now the film is read with the question in mind. (The demo model was not taught prompts of this
# order: what it says to them is not worth much.)
#
# </details>
#
# **Exercise 3.** One film is an anecdote. Is it the question's word that reads the nodule on other films too? Try
# seeds 700041, 700042 and 700043, which all have a nodule.

# %% tags=["exercise"]
for seed in (700_041,):  # your turn: more seeds, and who reads?
    film = medlab.Phantom(size=512).draw(seed=seed)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# for seed in (700_041, 700_042, 700_043):
#     film = medlab.Phantom(size=512).draw(seed=seed)
#     who = readers(model, model.query(film, "Is there a nodule?"), YES)
#     layer, word = np.unravel_index(who.lost_nats.argmax(), who.lost_nats.shape)
#     print(seed, layer, repr(who.tokens[word]))
#     assert (layer, who.tokens[word]) == (0, " nodule")
# ```
#
# Four films are still few, but the same word in the same layer four times is no accident.
#
# </details>

# %% [markdown]
# ## What this does not show
#
# - That other models work like this one. What you found is a property of these weights; another training would have
#   chosen another layer and another word. The *way to find out* carries over.
# - That a cut is the last word. A model whose layer is blinded is a model that nobody trained, and what one layer lost
#   another may make up for. That is why losses do not add up.
# - Which maps to believe. We looked at one film; whether a method finds lesions film after film is measured in
#   notebook 05.
#
# ## Next
#
# [`04_gradients_and_occlusion`](04_gradients_and_occlusion.ipynb) leaves the layers alone and changes the film: a
# little, and then a lot.
