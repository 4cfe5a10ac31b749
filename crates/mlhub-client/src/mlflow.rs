//! Calls of MLflow's REST API, which hubs answer beside their own, to a hub or to any other
//! server that speaks it.
//!
//! Untyped: what the fields mean is known to whoever calls. Nothing is retried.

use std::io::Read;

use base64::Engine as _;
use serde_json::Value;

use crate::Result;
use crate::error::{ClientError, ClientErrorKind};
use crate::http::{ANSWER_MAX_BYTES, Call, Client, ClientOptions, PROBLEM_MAX_BYTES, Payload};

/// The status of an answer that says: what you have is what I have.
const NOT_MODIFIED: u16 = 304;

/// How a caller of an MLflow server says who it is.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum MlflowLogin {
    /// It does not.
    #[default]
    None,
    /// By a token.
    Token(String),
    /// By a name and a password.
    Password(String, String),
}

/// A blocking client of MLflow's API on one server.
#[derive(Debug, Clone)]
pub struct MlflowClient(Client);

impl Client {
    /// The MLflow API of the same hub.
    pub fn mlflow(&self) -> MlflowClient {
        MlflowClient(self.clone())
    }
}

impl MlflowClient {
    /// A client of an MLflow server. Does not connect.
    ///
    /// # Errors
    /// [`ClientErrorKind::Url`] when the URL is not `http://` or `https://`.
    pub fn new(base_url: &str, login: &MlflowLogin, options: &ClientOptions) -> Result<Self> {
        let authorization = match login {
            MlflowLogin::None => None,
            MlflowLogin::Token(token) => Some(format!("Bearer {token}")),
            MlflowLogin::Password(name, password) => {
                let text = format!("{name}:{password}");
                let coded = base64::engine::general_purpose::STANDARD.encode(text);
                Some(format!("Basic {coded}"))
            }
        };
        Client::authorized(base_url, authorization, options).map(Self)
    }

    /// The server's base URL.
    pub fn base_url(&self) -> &str {
        self.0.base_url()
    }

    /// A GET of a path such as `/api/2.0/mlflow/runs/get`.
    ///
    /// # Errors
    /// The server's, its code as [`ClientError::problem`], or of the connection; so for every
    /// call here.
    pub fn get(&self, path: &str, query: &[(&'static str, &str)]) -> Result<Value> {
        self.json(with_query(Call::new("GET", path.to_owned()), query))
    }

    /// Sends a JSON body by `POST`, `PATCH` or `DELETE`.
    pub fn send(&self, method: &'static str, path: &str, body: &Value) -> Result<Value> {
        self.json(Call::new(method, path.to_owned()).json(body)?)
    }

    /// A content, to be read to its end.
    pub fn open(&self, path: &str, query: &[(&'static str, &str)]) -> Result<impl Read + use<>> {
        let mut call = with_query(Call::new("GET", path.to_owned()), query);
        call.accept = "*/*";
        call.headers
            .push(("accept-encoding", "identity".to_owned()));
        let label = format!("GET {path}");
        let response = accept(&label, self.0.exchange(call)?)?;
        let body = response.into_body().into_with_config();
        Ok(body.limit(u64::MAX).reader())
    }

    /// Whether a hub has the content of a hash (BLAKE3, hex) at a path. No content is sent.
    pub fn has(&self, path: &str, hash: &str) -> Result<bool> {
        let mut call = Call::new("GET", path.to_owned());
        call.accept = "*/*";
        call.headers.push(("if-none-match", format!("\"{hash}\"")));
        let response = self.0.exchange(call)?;
        match response.status().as_u16() {
            NOT_MODIFIED => Ok(true),
            404 => Ok(false),
            _ => accept(&format!("GET {path}"), response).map(|_| false),
        }
    }

    /// Stores `size` bytes of a content.
    pub fn put(&self, path: &str, content: &mut dyn Read, size: u64) -> Result<()> {
        let mut call = Call::new("PUT", path.to_owned());
        call.payload = Payload::Stream(content, size);
        self.json(call).map(drop)
    }

    fn json(&self, call: Call<'_>) -> Result<Value> {
        let label = format!("{} {}", call.method, call.path);
        let mut response = accept(&label, self.0.exchange(call)?)?;
        let body = response
            .body_mut()
            .with_config()
            .limit(ANSWER_MAX_BYTES)
            .read_to_vec()
            .map_err(|error| ClientError::from_transport(self.base_url(), &error))?;
        if body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&body).map_err(|error| {
            ClientError::new(
                ClientErrorKind::Protocol,
                "unexpected answer",
                format!("{label}: the answer is no JSON ({error}); is this an MLflow server?"),
            )
        })
    }
}

/// A path of segments, each encoded whole.
pub fn mlflow_path(root: &str, segments: &str) -> String {
    let parts: Vec<&str> = segments.split('/').collect();
    format!("{root}{}", crate::http::path(&parts))
}

fn with_query<'a>(mut call: Call<'a>, query: &[(&'static str, &str)]) -> Call<'a> {
    let pairs = query
        .iter()
        .map(|(name, value)| (*name, (*value).to_owned()));
    call.query.extend(pairs);
    call
}

fn accept(
    label: &str,
    mut response: ureq::http::Response<ureq::Body>,
) -> Result<ureq::http::Response<ureq::Body>> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let mut body = Vec::new();
    // A body that breaks off still leaves the status, which matters more.
    let _ = response
        .body_mut()
        .as_reader()
        .take(PROBLEM_MAX_BYTES)
        .read_to_end(&mut body);
    Err(refusal(label, status.as_u16(), &body))
}

/// An error in MLflow's form, a hub's own, or somebody else's.
fn refusal(label: &str, status: u16, body: &[u8]) -> ClientError {
    let said: Value = serde_json::from_slice(body).unwrap_or_default();
    let (Some(code), Some(message)) = (said["error_code"].as_str(), said["message"].as_str())
    else {
        return ClientError::from_answer(label, status, body);
    };
    ClientError {
        status: Some(status),
        problem: Some(code.to_owned()),
        ..ClientError::new(
            ClientErrorKind::Problem,
            code,
            format!("{label}: {message}"),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_keep_mlflows_code() {
        let body = br#"{"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no run"}"#;
        let error = refusal("GET /x", 404, body);
        assert_eq!(error.problem.as_deref(), Some("RESOURCE_DOES_NOT_EXIST"));
        assert!(error.is_not_found() && error.detail.ends_with("no run"));
        assert!(refusal("GET /x", 404, b"<html>").is_foreign());
    }

    #[test]
    fn paths_keep_their_slashes_and_nothing_else() {
        let path = mlflow_path("/root", "1/r/artifacts/a b/ü?#.txt");
        assert_eq!(path, "/root/1/r/artifacts/a%20b/%C3%BC%3F%23.txt");
    }
}
