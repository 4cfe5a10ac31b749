//! Lists of registered models and versions: in every order, page by page, by their tags.

use mlhub_core::registry::{
    Direction, ModelQuery, ModelStage, ModelVersionQuery, RegistryAct, VersionKey,
};

use super::TestStore;
use super::registry::{add, alias, change, create, model_name, version};

pub(crate) async fn lists_are_ordered_and_filtered(store: TestStore) {
    let store = &*store;
    for (at, name) in ["b", "c", "a"].into_iter().enumerate() {
        let id = format!("model-{at}");
        change(store, name, create(&id)).await.expect("made");
        for number in 0..3 {
            add(store, name, version(None)).await.expect("added");
            let tags = RegistryAct::Tags {
                version: Some(number + 1),
                tags: [("n".to_owned(), Some(number.to_string()))].into(),
            };
            change(store, name, tags).await.expect("tagged");
        }
        let tags = RegistryAct::Tags {
            version: None,
            tags: [("of".to_owned(), Some(name.to_owned()))].into(),
        };
        change(store, name, tags).await.expect("tagged");
    }
    let models = async |mut query: ModelQuery| -> Vec<String> {
        query.limit = 2;
        let mut found = Vec::new();
        loop {
            let page = store.registry_model_list(&query).await.expect("list");
            let Some(last) = page.last() else {
                return found;
            };
            query.go_on(last);
            found.extend(page.into_iter().map(|of| String::from(of.name)));
        }
    };
    let all = ModelQuery::default;
    let by_time = |direction| ModelQuery {
        by_time: Some(direction),
        by_name: Direction::Descending,
        ..all()
    };
    let down = ModelQuery {
        by_name: Direction::Descending,
        ..all()
    };
    assert_eq!(models(down).await, ["c", "b", "a"]);
    // All were changed at one time: names tell them apart.
    for direction in [Direction::Ascending, Direction::Descending] {
        assert_eq!(models(by_time(direction)).await, ["c", "b", "a"]);
    }
    let tagged = |value: Option<&str>| ModelQuery {
        tags: vec![("of".to_owned(), value.map(str::to_owned))],
        ..all()
    };
    assert_eq!(models(tagged(Some("c"))).await, ["c"]);
    assert_eq!(models(tagged(None)).await, ["a", "b", "c"]);
    let without = ModelQuery {
        without: Some(("of".to_owned(), "b".to_owned())),
        ..all()
    };
    assert_eq!(models(without).await, ["a", "c"]);
    let named = |names: &[&str]| ModelQuery {
        names: Some(names.iter().map(|name| model_name(name)).collect()),
        ..all()
    };
    assert_eq!(models(named(&["c", "a", "x"])).await, ["a", "c"]);
    assert_eq!(models(named(&[])).await, Vec::<String>::new());

    let versions = async |mut query: ModelVersionQuery| -> Vec<String> {
        query.limit = 2;
        let mut found = Vec::new();
        loop {
            let page = store.registry_version_list(&query).await.expect("list");
            let Some(last) = page.last() else {
                return found;
            };
            query.go_on(last);
            for of in page {
                assert_eq!(of.tags["n"], (of.version - 1).to_string());
                found.push(format!("{}{}", of.model, of.version));
            }
        }
    };
    let order = |order: &[(VersionKey, Direction)]| ModelVersionQuery {
        order: order.to_vec(),
        ..ModelVersionQuery::default()
    };
    let (up, down) = (Direction::Ascending, Direction::Descending);
    assert_eq!(
        versions(order(&[
            (VersionKey::Number, up),
            (VersionKey::Model, down)
        ]))
        .await,
        ["c1", "b1", "a1", "c2", "b2", "a2", "c3", "b3", "a3"]
    );
    let by_times = order(&[(VersionKey::Updated, down), (VersionKey::Created, up)]);
    assert_eq!(
        versions(by_times).await,
        ["a3", "a2", "a1", "b3", "b2", "b1", "c3", "c2", "c1"]
    );
    let tagged = ModelVersionQuery {
        tags: vec![("n".to_owned(), Some("1".to_owned()))],
        ..ModelVersionQuery::default()
    };
    assert_eq!(versions(tagged).await, ["a2", "b2", "c2"]);
    let value = RegistryAct::Tags {
        version: Some(1),
        tags: [("p".to_owned(), Some("true".to_owned()))].into(),
    };
    change(store, "b", value).await.expect("tagged");
    let without = ModelVersionQuery {
        without: Some(("p".to_owned(), "true".to_owned())),
        ..ModelVersionQuery::default()
    };
    assert_eq!(
        versions(without).await,
        ["a3", "a2", "a1", "c3", "c2", "c1"]
    );
    // The newest of each stage, of the models that are asked for.
    let stage = RegistryAct::StageSet {
        version: 1,
        stage: ModelStage::Production,
        archive_others: false,
        gate: None,
    };
    change(store, "a", stage).await.expect("set");
    change(store, "a", alias("best", 1, None))
        .await
        .expect("set");
    let names = ["c", "a", "x"].map(model_name);
    let newest = store.registry_newest(&names).await.expect("newest");
    let told: Vec<_> = newest
        .iter()
        .map(|of| (of.model.as_str(), of.version, of.aliases.len()))
        .collect();
    assert_eq!(told, [("a", 3, 0), ("a", 1, 1), ("c", 3, 0)]);
    assert_eq!(newest[1].tags["n"], "0");
    assert!(store.registry_newest(&[]).await.expect("none").is_empty());
}
