//! An OpenTelemetry collector of the test's own: takes OTLP over HTTP and keeps what it was told.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span};
use prost::Message;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// Listens until the test is over.
pub struct Collector {
    address: String,
    told: Arc<Mutex<Told>>,
}

#[derive(Default)]
struct Told {
    heads: Vec<String>,
    bytes: Vec<u8>,
    resources: Vec<ResourceSpans>,
}

impl Collector {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let told = Arc::new(Mutex::new(Told::default()));
        let keeps = Arc::clone(&told);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let keeps = Arc::clone(&keeps);
                std::thread::spawn(move || take(stream.unwrap(), &keeps));
            }
        });
        Self { address, told }
    }

    /// What the setting is to be.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The heads of all requests.
    pub fn heads(&self) -> Vec<String> {
        self.told.lock().unwrap().heads.clone()
    }

    /// All bodies, one after another.
    pub fn bytes(&self) -> Vec<u8> {
        self.told.lock().unwrap().bytes.clone()
    }

    /// What the sender says of itself.
    pub fn resource(&self, name: &str) -> String {
        let told = self.told.lock().unwrap();
        let resource = told.resources[0].resource.clone().unwrap();
        text(&resource.attributes, name)
    }

    pub fn spans(&self) -> Vec<Span> {
        let told = self.told.lock().unwrap();
        let scopes = told.resources.iter().flat_map(|of| &of.scope_spans);
        scopes.flat_map(|scope| scope.spans.clone()).collect()
    }
}

fn take(stream: TcpStream, told: &Mutex<Told>) {
    let mut reader = BufReader::new(stream);
    // Several requests may come on one connection.
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head).unwrap_or(0) == 0 {
                return;
            }
        }
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            let is_it = name.eq_ignore_ascii_case("content-length");
            is_it.then(|| value.trim().parse::<usize>().unwrap())
        });
        let mut body = vec![0; length.expect("no content-length")];
        reader.read_exact(&mut body).unwrap();
        let request = ExportTraceServiceRequest::decode(body.as_slice()).unwrap();
        {
            let mut told = told.lock().unwrap();
            told.heads.push(head);
            told.bytes.extend(body);
            told.resources.extend(request.resource_spans);
        }
        let reply =
            "HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";
        reader.get_mut().write_all(reply.as_bytes()).unwrap();
    }
}

/// An attribute as text; empty when it is not there.
pub fn text(attributes: &[KeyValue], name: &str) -> String {
    let found = attributes.iter().find(|attribute| attribute.key == name);
    let value = found.and_then(|attribute| match &attribute.value {
        Some(AnyValue {
            value: Some(Value::StringValue(text)),
        }) => Some(text.clone()),
        Some(AnyValue {
            value: Some(Value::IntValue(number)),
        }) => Some(number.to_string()),
        _ => None,
    });
    value.unwrap_or_default()
}
