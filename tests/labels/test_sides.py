from __future__ import annotations

import numpy as np
import pytest

from exemplar.labels.sides import exchanged, sides


@pytest.mark.parametrize(
    ("classes", "found"),
    [
        (["skin", "l_eye", "r_eye"], [("l_eye", "r_eye")]),
        (["left ear", "nose", "right ear"], [("left ear", "right ear")]),
        (["eye_r", "eye_l"], [("eye_r", "eye_l")]),
        (["Left-Brow", "right-brow"], [("Left-Brow", "right-brow")]),
        (["BrowLeft", "BrowRight"], [("BrowLeft", "BrowRight")]),
        (["leftArm", "rightArm"], [("leftArm", "rightArm")]),
        (["lefteye", "righteye"], [("lefteye", "righteye")]),
        (["hand.L", "hand.R"], [("hand.L", "hand.R")]),
        (["left", "right", "middle"], [("left", "right")]),
        (["eye (left)", "eye (right)"], [("eye (left)", "eye (right)")]),
        # CelebAMask-HQ, as its authors and as its parsers spell it: r_ear is no ear_r, a ring.
        (["skin", "nose", "eye_g", "l_eye", "r_eye", "l_brow", "r_brow", "l_ear", "r_ear", "mouth",
          "u_lip", "l_lip", "hair", "hat", "ear_r", "neck_l", "neck", "cloth"],
         [("l_eye", "r_eye"), ("l_brow", "r_brow"), ("l_ear", "r_ear")]),
        (["eye glasses", "left eye", "right eye", "left brow", "right brow", "left ear",
          "right ear", "ear ring", "lower lip"],
         [("left eye", "right eye"), ("left brow", "right brow"), ("left ear", "right ear")]),
        # LaPa, Helen, LIP, CIHP, ATR, iBugMask, DensePose, COCO, MHP and SMPL.
        (["left_eyebrow", "right_eyebrow"], [("left_eyebrow", "right_eyebrow")]),
        (["Left-arm", "Right-arm", "Left-leg", "Right-leg", "Left-shoe", "Right-shoe"],
         [("Left-arm", "Right-arm"), ("Left-leg", "Right-leg"), ("Left-shoe", "Right-shoe")]),
        (["left_brow", "right_brow", "upper_lip"], [("left_brow", "right_brow")]),
        (["Hand Left", "Hand Right"], [("Hand Left", "Hand Right")]),
        (["left_shoulder", "right_shoulder"], [("left_shoulder", "right_shoulder")]),
        (["L_Hip", "R_Hip"], [("L_Hip", "R_Hip")]),
        (["leftForeArm", "rightForeArm"], [("leftForeArm", "rightForeArm")]),
        (["eyeL", "eyeR"], [("eyeL", "eyeR")]),
        (["lEye", "rEye"], [("lEye", "rEye")]),
        (["ear.l", "ear.r"], [("ear.l", "ear.r")]),
        (["LEFT EYE", "RIGHT EYE"], [("LEFT EYE", "RIGHT EYE")]),
        # Names that have these letters, and say no side.
        (["bright", "light", "upright", "copyright", "leftover", "rightmost", "cleft", "skin"], []),
        (["left", "skin"], []),
        (["left eye", "right ear"], []),
        (["bright sky", "left sky"], []),
        (["lion", "rion", "level", "revel", "l", "skin"], []),
        (["l_eye", "ear"], []),
        (["leaf", "reaf", "lung", "rung"], []),
        (["u_lip", "l_lip"], []),
        (["left lower arm", "right lower arm", "left upper arm", "right upper arm"],
         [("left lower arm", "right lower arm"), ("left upper arm", "right upper arm")]),
    ],
)  # fmt: skip
def test_sides_are_known_by_names(classes, found):
    assert sides(classes) == found


def test_a_mirror_twice_changes_nothing():
    classes = ["skin", "l_eye", "r_eye", "l_ear", "hair", "r_ear"]
    table = exchanged(classes)
    assert table[:6].tolist() == [0, 2, 1, 5, 4, 3] and table.dtype == np.uint8
    assert (table[table] == np.arange(256)).all() and (table[6:] == np.arange(6, 256)).all()


def test_pairs_that_are_named_go_before_names():
    classes = ["port", "starboard", "l_eye", "r_eye"]
    assert exchanged(classes, [["port", "starboard"]])[:4].tolist() == [1, 0, 2, 3]
    assert exchanged(classes, [])[:4].tolist() == [0, 1, 2, 3]
