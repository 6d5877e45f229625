//! A proxy on loopback between the connector and the server, which can cut connections.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use async_trait::async_trait;
use seamless_core::Result;
use seamless_core::testkit::connector_kit::{Torn, Wire};

/// What is to be cut next.
#[derive(Clone, Default)]
pub(crate) struct Cutter(Arc<Mutex<Option<Torn>>>);

#[async_trait]
impl Wire for Cutter {
    async fn cut(&self, torn: Torn) -> Result<bool> {
        *self.0.lock().unwrap() = Some(torn);
        Ok(true)
    }
}

/// Starts a proxy to an address; its own port.
pub(crate) fn proxy(upstream: String) -> (u16, Cutter) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let cutter = Cutter::default();
    let shared = cutter.clone();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let Ok(server) = TcpStream::connect(&upstream) else { continue };
            // Without this each answer waits for a time-out of the network.
            let _ = (client.set_nodelay(true), server.set_nodelay(true));
            let cut_answer = Arc::new(Mutex::new(false));
            let (c, s, cut) =
                (client.try_clone().unwrap(), server.try_clone().unwrap(), Arc::clone(&cut_answer));
            let shared = shared.clone();
            thread::spawn(move || requests(c, s, &shared, &cut));
            thread::spawn(move || answers(server, client, &cut_answer));
        }
    });
    (port, cutter)
}

fn requests(mut client: TcpStream, mut server: TcpStream, cutter: &Cutter, cut_answer: &Mutex<bool>) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(count @ 1..) = client.read(&mut buffer) {
        match cutter.0.lock().unwrap().take() {
            Some(Torn::Request) => break,
            Some(_) => *cut_answer.lock().unwrap() = true,
            None => {}
        }
        if server.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = (client.shutdown(Shutdown::Both), server.shutdown(Shutdown::Both));
}

fn answers(mut server: TcpStream, mut client: TcpStream, cut_answer: &Mutex<bool>) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(count @ 1..) = server.read(&mut buffer) {
        if *cut_answer.lock().unwrap() || client.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = (client.shutdown(Shutdown::Both), server.shutdown(Shutdown::Both));
}
