use harness::cache::Cache;
use harness::image::{Image, Recipe};
#[tokio::main]
async fn main() {
    let cache = Cache::open().unwrap();
    let recipe = Recipe::load(std::path::Path::new(&std::env::args().nth(1).unwrap()))
        .unwrap_or_else(|e| panic!("{e}"));
    let t = std::time::Instant::now();
    match Image::ensure(&recipe, &cache, &|p| println!("{:6.1} {p:?}", t.elapsed().as_secs_f32())).await {
        Ok(image) => println!("{}", image.root().display()),
        Err(e) => println!("ERROR {e}"),
    }
}
