"""Tamperings with a receipt: data in the JSON files here, and the vocabulary they are written in.

1. A copy starts as a receipt that holds. Nothing of the original is ever written to.
2. Edits change it in one way each. They are a closed vocabulary, so that tamperings are data, and
   another verifier can be held to the same ones.
3. What is redone afterwards is made consistent again by the kernel's own functions, as a forger
   would. The fewer checks are left to notice, the more a tampering says about the one that does.
4. A copy is written below a folder of its own, never outside of it.

`copies` holds a receipt in memory, `statement`, `files` and `rows` edit it, `redo` makes it
consistent, `vectors` reads the JSON files.
"""
