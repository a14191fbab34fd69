//! From a target file to a lab: build the image, power on, provision.
