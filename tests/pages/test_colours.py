"""Contrast of every pair of colours that meet, in light and in dark, by WCAG's formula: axe does not judge pictures."""

import re
from pathlib import Path

import pytest

TEMPLATES = Path(__file__).parents[2] / "report_templates"
TEXT, GRAPHIC = 4.5, 3.0
ON_PAPER = ["ink", "soft", "accent", "warn"]
DRAWN = ["main", "mid", "low", "deep", "plain"]


def palettes():
    css = (TEMPLATES / "screen.css").read_text(encoding="utf-8")
    light, dark = (
        dict(re.findall(r"--([a-z-]+): (#[0-9a-f]+)", block)) for block in re.findall(r":root \{(.*?)\}", css, re.S)
    )
    return {"light": light, "dark": light | dark}


def luminance(colour):
    if len(colour) == 4:
        colour = "#" + "".join(letter * 2 for letter in colour[1:])
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels]
    return sum(weight * one for weight, one in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_the_formula_is_wcag_s():
    assert contrast("#000", "#fff") == pytest.approx(21)
    # The lightest grey that passes on white.
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_on_all_it_stands_on(scheme):
    palette = palettes()[scheme]
    pairs = [(name, paper) for name in ON_PAPER for paper in ("paper", "stripe", "accent-paper")]
    pairs += [("warn", "warn-paper"), ("soft", "pale"), ("ink", "pale")]
    # Numbers of agencies stand in their dots, in the colour of the paper.
    pairs += [("paper", name) for name in ("main", "low", "plain")]
    weak = {pair: contrast(palette[pair[0]], palette[pair[1]]) for pair in pairs}
    assert {pair: ratio for pair, ratio in weak.items() if ratio < TEXT} == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_is_drawn_can_be_told_from_the_paper(scheme):
    palette = palettes()[scheme]
    assert {
        name: contrast(palette[name], palette["paper"])
        for name in DRAWN
        if contrast(palette[name], palette["paper"]) < GRAPHIC
    } == {}


def test_on_paper_the_colours_are_those_of_the_light_screen():
    light = palettes()["light"]
    charts = (TEMPLATES / "charts.html.j2").read_text(encoding="utf-8")
    for name, fill in re.findall(r'class="c-([a-z]+)" fill="(#[0-9a-f]{6})"', charts):
        assert fill == light[{"soft": "muted"}.get(name, name)]


def test_the_names_and_numbers_of_a_map_can_be_read_on_every_shade():
    charts = (TEMPLATES / "charts.html.j2").read_text(encoding="utf-8")
    (shades,) = re.findall(r"{% macro shade\(figure\) -%}(.*?){%- endmacro %}", charts, re.S)
    found = re.findall("#[0-9a-f]{6}", shades)
    assert len(found) == 6
    # As `shade_ink` has it: dark letters on the four light shades, white on the two dark ones.
    for shade, ink in zip(found, ["#1b2329"] * 4 + ["#ffffff"] * 2, strict=True):
        assert contrast(shade, ink) >= TEXT
