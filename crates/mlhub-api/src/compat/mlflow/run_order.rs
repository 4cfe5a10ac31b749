//! Orders of a search for runs, in the query language of the hub.

use super::error::{Answer, Refusal};
use super::filter;
use super::run_query::quote;

/// An order of the query language.
pub(super) fn order(items: &[&str]) -> Answer<Vec<String>> {
    let mut keys = Vec::new();
    for item in items {
        let (entity, key, descends) = filter::order(item)?;
        let quoted = quote(&key, '"');
        let operand = match entity.as_deref() {
            Some("metric" | "metrics") => format!("metrics.{quoted}"),
            Some("parameter" | "parameters" | "param" | "params") => {
                format!("params.{quoted} text")
            }
            Some("tag" | "tags") => format!("tags.{quoted} text"),
            None | Some("attribute" | "attributes" | "attr" | "run") => {
                let field = match key.to_lowercase().replace(' ', "_").as_str() {
                    "start_time" | "created" => "started",
                    "end_time" => "ended",
                    "status" => "state",
                    "run_name" => "name",
                    "user_id" => "owner",
                    "run_id" | "artifact_uri" => "id",
                    _ => return Err(bad_order(item)),
                };
                field.to_owned()
            }
            Some(_) => return Err(bad_order(item)),
        };
        keys.push(format!(
            "{operand} {}",
            if descends { "desc" } else { "asc" }
        ));
    }
    if !keys.iter().any(|key| key.starts_with("started ")) {
        keys.push("started desc".to_owned());
    }
    keys.push("id asc".to_owned());
    Ok(keys)
}

fn bad_order(item: &str) -> Refusal {
    Refusal::invalid(format!("Invalid order_by clause '{item}'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_ends_with_what_decides() {
        let of = |items: &[&str]| order(items).expect("an order");
        assert_eq!(of(&[]), ["started desc", "id asc"]);
        assert_eq!(
            of(&["metrics.x DESC"]),
            ["metrics.\"x\" desc", "started desc", "id asc"]
        );
        assert_eq!(
            of(&["attributes.start_time ASC"]),
            ["started asc", "id asc"]
        );
        // Params and tags are texts there, whatever is in them.
        assert_eq!(
            of(&["params.lr DESC"]),
            ["params.\"lr\" text desc", "started desc", "id asc"]
        );
        assert!(order(&["nothing"]).is_err());
    }
}
