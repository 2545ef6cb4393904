"""Web pages of ours: markup, one style in light and dark, and how a sentence is drawn. Nothing is fetched."""
