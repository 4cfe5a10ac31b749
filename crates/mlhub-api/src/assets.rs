//! The web page, embedded in the binary. Unknown paths get the page, so that
//! its own links work; unknown API paths do not come here.

use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "$OUT_DIR/ui"]
struct Page;

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("json" | "webmanifest") => "application/json",
        Some("woff2") => "font/woff2",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        _ => "application/octet-stream",
    }
}

/// Whether a client that sends these headers reads gzip.
fn reads_gzip(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|coding| {
            let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
            name.trim() == "gzip"
                && !matches!(weight.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000")
        })
}

/// Serves an embedded file, or the page. Scripts and styles lie compressed beside themselves:
/// compressing them anew for every reader takes longer than sending them.
pub(crate) async fn serve(uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    let (name, file) = match Page::get(path) {
        Some(file) if !path.is_empty() => (path, file),
        _ => match Page::get("index.html") {
            Some(file) => ("index.html", file),
            None => return StatusCode::NOT_FOUND.into_response(),
        },
    };
    // File names under assets/ hold a hash of their content.
    let cache = if name.starts_with("assets/") {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let compressed = reads_gzip(&headers)
        .then(|| Page::get(&format!("{name}.gz")))
        .flatten();
    let is_compressed = compressed.is_some();
    let mut response = compressed.unwrap_or(file).data.into_response();
    let answered = response.headers_mut();
    answered.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(content_type(name)),
    );
    answered.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    if is_compressed {
        answered.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        answered.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn asked(path: &str, accept: Option<&'static str>) -> Response {
        let mut headers = HeaderMap::new();
        if let Some(accept) = accept {
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(accept));
        }
        serve(path.parse().unwrap(), headers).await
    }

    #[tokio::test]
    async fn scripts_come_compressed_to_who_reads_that() {
        let scripts: Vec<String> = Page::iter()
            .filter(|name| name.starts_with("assets/") && name.ends_with(".js"))
            .map(|name| format!("/{name}"))
            .collect();
        // Only a build without the page has no scripts; its one file says so.
        let page = Page::get("index.html").unwrap().data;
        let is_left_out = String::from_utf8_lossy(&page).contains("MLHUB_UI=skip");
        assert_eq!(scripts.is_empty(), is_left_out);
        for script in scripts {
            let plain = asked(&script, None).await;
            assert!(!plain.headers().contains_key(header::CONTENT_ENCODING));
            for refused in ["gzip;q=0", "br, gzip; q=0", "identity"] {
                let refused = asked(&script, Some(refused)).await;
                assert!(!refused.headers().contains_key(header::CONTENT_ENCODING));
            }
            let small = asked(&script, Some("br, gzip;q=0.8")).await;
            assert_eq!(small.headers()[header::CONTENT_ENCODING], "gzip");
            assert_eq!(
                small.headers()[header::CONTENT_TYPE],
                plain.headers()[header::CONTENT_TYPE]
            );
            let bytes = axum::body::to_bytes(small.into_body(), usize::MAX).await;
            assert_eq!(bytes.unwrap()[..2], [0x1f, 0x8b], "{script} is no gzip");
        }
    }
}
