//! One kept-alive HTTP/1.1 connection: writes a request, reads its answer.
//!
//! Answers must carry a length or come in chunks; redirects, compression and
//! more than one time-out per answer are left out on purpose.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long an answer may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// Room made for what comes next of an answer.
const ANSWER_PIECE_BYTES: usize = 4096;
/// Header lines of an answer at most.
const HEADERS_MAX: usize = 64;

/// An open connection.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

enum Length {
    Known(usize),
    Chunked,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: Vec::new(),
        })
    }

    /// Sends a whole request; returns status and body of the answer.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<(u16, Vec<u8>)> {
        tokio::time::timeout(ANSWER_TIMEOUT, self.exchange_at_last(request))
            .await
            .context("no answer came in time")?
    }

    async fn exchange_at_last(&mut self, request: &[u8]) -> Result<(u16, Vec<u8>)> {
        let sent = self.stream.write_all(request).await;
        sent.context("send a request")?;
        let (status, length, head) = loop {
            let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
            let mut response = httparse::Response::new(&mut headers);
            if let httparse::Status::Complete(head) = response.parse(&self.buffer)? {
                let status = response.code.context("an answer without a status")?;
                break (status, length(response.headers)?, head);
            }
            self.fill().await?;
        };
        self.buffer.drain(..head);
        let body = match length {
            Length::Known(length) => self.take(length).await?,
            Length::Chunked => self.chunks().await?,
        };
        Ok((status, body))
    }

    async fn fill(&mut self) -> Result<()> {
        self.buffer.reserve(ANSWER_PIECE_BYTES);
        let read = self.stream.read_buf(&mut self.buffer).await;
        if read.context("read an answer")? == 0 {
            bail!("the server closed the connection");
        }
        Ok(())
    }

    async fn take(&mut self, length: usize) -> Result<Vec<u8>> {
        while self.buffer.len() < length {
            self.fill().await?;
        }
        Ok(self.buffer.drain(..length).collect())
    }

    async fn chunks(&mut self) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let (head, size) = loop {
                match httparse::parse_chunk_size(&self.buffer) {
                    Ok(httparse::Status::Complete(found)) => break found,
                    Ok(httparse::Status::Partial) => self.fill().await?,
                    Err(_) => bail!("a chunk of the answer has no size"),
                }
            };
            self.buffer.drain(..head);
            let size = usize::try_from(size)?;
            body.extend(self.take(size).await?);
            self.take(2).await?;
            if size == 0 {
                return Ok(body);
            }
        }
    }
}

fn length(headers: &[httparse::Header<'_>]) -> Result<Length> {
    for header in headers {
        let value = std::str::from_utf8(header.value)?.trim();
        if header.name.eq_ignore_ascii_case("content-length") {
            return Ok(Length::Known(value.parse()?));
        }
        if header.name.eq_ignore_ascii_case("transfer-encoding") && value == "chunked" {
            return Ok(Length::Chunked);
        }
    }
    bail!("the answer has no length")
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, Write};
    use std::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn answers_with_a_length_and_in_chunks_are_read_one_after_the_other() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
        let address = listener.local_addr().expect("address");
        let server = std::thread::spawn(move || {
            let (stream, _) = listener.accept().expect("accept");
            let mut reader = std::io::BufReader::new(stream.try_clone().expect("clone"));
            let mut writer = stream;
            for answer in [
                "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc",
                "HTTP/1.1 404 No\r\ntransfer-encoding: chunked\r\n\r\n2\r\nde\r\n1\r\nf\r\n0\r\n\r\n",
            ] {
                let mut line = String::new();
                while reader.read_line(&mut line).expect("line") > 2 {
                    line.clear();
                }
                writer.write_all(answer.as_bytes()).expect("answer");
            }
        });
        let mut connection = Connection::open(address).await.expect("connect");
        let request = b"GET / HTTP/1.1\r\n\r\n";
        let first = connection.exchange(request).await.expect("first");
        assert_eq!(first, (200, b"abc".to_vec()));
        let second = connection.exchange(request).await.expect("second");
        assert_eq!(second, (404, b"def".to_vec()));
        server.join().expect("server");
    }
}
