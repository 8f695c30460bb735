"""pix2pixHD: photographs from label and instance maps, with styles per instance."""
