mod wiring;
mod world;
