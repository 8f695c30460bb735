"""pix2pix: a conditional GAN whose dropout makes many images of one input; the baseline."""
