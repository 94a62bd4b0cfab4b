"""How the page looks: theme and styles, with nothing fetched from another host."""

from pathlib import Path

import gradio as gr

from ser.corpora.emotions import EMOTIONS

_folder = Path(__file__).with_name("styles")
STYLES = [_folder / "base.css", *sorted(set(_folder.glob("*.css")) - {_folder / "base.css"})]
"""One of what all parts of the page share, and one for each part."""

FIRST_STYLES = """
.gradio-container { width: 100%; max-width: 1120px !important; margin: 0 auto; }
.gradio-container:has(#ser-head):not(
  :has(#ser-clip .audio-container):has(#ser-result .ser-panel):has(#ser-picture .ser-picture)
  :has(#ser-examples):has(#ser-voice)
) main { visibility: hidden; animation: ser-late 0s 3s forwards; }
@keyframes ser-late { to { visibility: visible; } }
"""
"""What holds before any part of the page is there. The parts arrive one by one, and each makes room
for itself, so that none is shown before all are."""

_ink = gr.themes.Color(
    name="ink",
    c50="#f7f8f9",
    c100="#eef0f2",
    c200="#e1e4e8",
    c300="#c9ced6",
    c400="#98a1ad",
    c500="#6a7380",
    c600="#525b68",
    c700="#3a424d",
    c800="#23282f",
    c900="#171b20",
    c950="#101317",
)
_cobalt = gr.themes.Color(
    name="cobalt",
    c50="#f0f3fe",
    c100="#dfe6fc",
    c200="#c5d1fa",
    c300="#9fb2f5",
    c400="#8da2ff",
    c500="#4a67e0",
    c600="#3454d1",
    c700="#2a44ac",
    c800="#243b8c",
    c900="#22356f",
    c950="#172144",
)


def emotion_colours() -> str:
    """Return the style sheet that gives each canonical emotion its colour, in light and dark."""
    light = " ".join(f"--emotion-{emotion.name}: {emotion.light};" for emotion in EMOTIONS)
    dark = " ".join(f"--emotion-{emotion.name}: {emotion.dark};" for emotion in EMOTIONS)
    return f":root {{ {light} }}\n.dark {{ {dark} }}\n"


def theme() -> gr.themes.Base:
    """Return the theme: greys, one accent, and a font that gradio serves itself."""
    # Bold and regular only: the semi-bold file that gradio ships lacks most letters.
    sans = gr.themes.LocalFont("IBM Plex Sans", weights=(400, 700))
    return gr.themes.Base(
        primary_hue=_cobalt,
        secondary_hue=_cobalt,
        neutral_hue=_ink,
        font=(sans, "ui-sans-serif", "system-ui", "sans-serif"),
        radius_size=gr.themes.sizes.radius_lg,
    ).set(
        body_background_fill="*neutral_50",
        body_background_fill_dark="*neutral_950",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        link_text_color_dark="*secondary_400",
        link_text_color_visited_dark="*secondary_400",
        block_background_fill="white",
        block_background_fill_dark="*neutral_900",
        block_label_text_color="*neutral_600",
        block_label_text_color_dark="*neutral_300",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_300",
        block_border_color="*neutral_200",
        block_border_color_dark="*neutral_800",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_hover_dark="*primary_500",
        button_border_width="1px",
        button_secondary_background_fill="*block_background_fill",
        button_secondary_background_fill_dark="*block_background_fill",
        button_secondary_background_fill_hover="*block_background_fill",
        button_secondary_background_fill_hover_dark="*block_background_fill",
        button_secondary_border_color="*border_color_primary",
        button_secondary_border_color_dark="*border_color_primary",
        button_secondary_border_color_hover="*color_accent",
        button_secondary_border_color_hover_dark="*color_accent",
        button_secondary_text_color="*body_text_color",
        button_secondary_text_color_dark="*body_text_color",
        button_small_radius="8px",
        button_small_padding="0.3125rem 0.75rem",
        button_small_text_size="0.875rem",
        button_small_text_weight="600",
    )
