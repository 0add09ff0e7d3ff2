"""Authors, trailers and signatures of commits, as git itself has them."""
